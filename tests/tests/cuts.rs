//! Goal: a program survives that its count file is cut short, deleted or replaced while it counts, and
//! says so (T31).
//! Method: four threads count into statics and new names; meanwhile the file is cut to many lengths,
//! deleted, and replaced by another. At the end everybody still lives, and what is counted then is
//! exact.
#![cfg(unix)]

use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tallymark::{Contents, Counter, counter};
use tallymark_tests::scene::Scene;

static SHARED: Counter = Counter::new("cuts/shared");
static AFTER: Counter = Counter::new("cuts/after");

const EVENTS: u32 = if cfg!(debug_assertions) { 2_000 } else { 10_000 };

#[test]
fn a_file_that_is_cut_or_gone_kills_its_counters() {
    let scene = Scene::new();
    let session = scene.open();
    SHARED.inc();
    let path = session.status().file.unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..4 {
            let stop = &stop;
            scope.spawn(move || {
                for n in 0u32.. {
                    SHARED.inc();
                    if n % 64 == 0 {
                        counter(&format!("cuts/{thread}:{}", n / 64 % 2000)).unwrap().inc();
                        thread::yield_now();
                    }
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for event in 0..EVENTS {
            match event % 7 {
                5 => drop(fs::remove_file(&path)),
                6 => {
                    let other = path.with_extension("other");
                    fs::write(&other, [0; 100]).unwrap();
                    fs::rename(&other, &path).unwrap();
                }
                part => {
                    let length = [0, 1, 4096, 16384, 20000][part as usize];
                    if let Ok(file) = File::options().write(true).open(&path) {
                        file.set_len(length).unwrap();
                    }
                }
            }
            if event % 3 == 0 {
                session.poll();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(session.status().lost_files > 0, "the loss is not reported");
    // What was cut may be damaged; it is laid aside, and from here on everything is exact again.
    for path in scene.base.count_files().unwrap() {
        fs::remove_file(path).unwrap();
    }
    session.poll();
    AFTER.add(7);
    let file = session.status().file.unwrap();
    drop(session);
    assert_eq!(Contents::read(&file).unwrap().value(b"cuts/after"), Some(7));
}
