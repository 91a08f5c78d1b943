//! Named files: healthy but odd ones, and damaged ones (T14).
//!
//! All but a few start from one file: `gophers` 1, `n988` 2, `n1426` 3, `n1667` 4 in one bucket (the last
//! is its head), `a` 5 in another, and a stack counter 6. Their records are 32 bytes apart from 2272 on;
//! the stack's takes 64 bytes.

use tallymark_core::format::layout::{DEAD, PAGE, hash};

use super::image::{Image, bucket_of, layout};

/// A file with a name.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// The file.
    pub image: Image,
}

const GOPHERS: u32 = 2272;
const N988: u32 = GOPHERS + 32;
const N1426: u32 = GOPHERS + 64;
const N1667: u32 = GOPHERS + 96;
const A: u32 = GOPHERS + 128;
const STACK: u32 = GOPHERS + 160;
/// Where the last allocation ends.
const END: u32 = GOPHERS + 224;
const LIMIT: u32 = 192;
const NEXT: u32 = 12;
const LENGTH: u32 = 8;
const MARK: u32 = 0xff00_0000;

/// The counters of the file that most cases start from.
pub const COUNTERS: [(&[u8], u64); 6] = [
    (b"gophers", 1),
    (b"n988", 2),
    (b"n1426", 3),
    (b"n1667", 4),
    (b"a", 5),
    (b"crash\nexample.com/m.f:+1,+0x2\n\".g:=3", 6),
];

/// All cases.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = healthy();
    for part in [lengths(), headers(), limits(), links(), records()] {
        cases.extend(part);
    }
    cases
}

fn case(name: &'static str, change: impl FnOnce(&mut Image)) -> Case {
    let mut image = Image::healthy(&COUNTERS);
    change(&mut image);
    Case { name, image }
}

fn with(name: &'static str, counters: &[(&[u8], u64)]) -> Case {
    Case { name, image: Image::healthy(counters) }
}

fn healthy() -> Vec<Case> {
    let long = [b'x'; 4096];
    let many: Vec<Vec<u8>> = (0..700).map(|i| format!("counter-number-{i}").into_bytes()).collect();
    let many: Vec<(&[u8], u64)> = many.iter().map(|name| (&name[..], 1)).collect();
    vec![
        case("healthy", |_| {}),
        with("healthy: no counter", &[]),
        with("healthy: more than one page", &many),
        with("healthy: a name of 4096 bytes", &[(&long, 7)]),
        with("healthy: a name that is not UTF-8", &[(b"\xff\xfe\x00\x80", 7)]),
        with("healthy: the greatest value", &[(b"full", u64::MAX)]),
        with("healthy: a stack counter that was cut", &[(b"p\nmain.f:+1\ntruncated\n", 1)]),
        Case { name: "healthy: the other byte order", image: Image::healthy(&COUNTERS).of_other_order() },
        case("healthy: a record that was never linked", |image| {
            image.set(LIMIT, END + 32);
            image.write(END, b"unborn", 0, GOPHERS);
        }),
        case("healthy: a dead record", |image| {
            image.set(LIMIT, END + 32);
            image.write(END, b"loser", 0, DEAD);
        }),
        case("healthy: reserved and never written", |image| image.set(LIMIT, END + 64)),
        case("healthy: a name written and no length", |image| {
            image.set(LIMIT, END + 32);
            image.write(END, b"half", 0, 0);
            image.set(END + LENGTH, 0);
        }),
        case("healthy: pages that are not used yet", |image| image.bytes.resize(3 * PAGE as usize, 0)),
        case("healthy: top byte of a length is not 0xff", |image| image.set(GOPHERS + LENGTH, 7)),
        case("healthy: an unknown key in the metadata", |image| {
            image.replace("\nGOARCH: amd64\n\n\0\0\0\0\0", "\nGOARCH: amd64\nX: 1\n\n");
        }),
        with("undetectable: a value of another", &[(b"gophers", 99)]),
    ]
}

fn lengths() -> Vec<Case> {
    let cut = |name, length: usize| case(name, |image| image.bytes.truncate(length));
    vec![
        cut("length 0", 0),
        cut("length 1", 1),
        cut("length 31: no header", 31),
        cut("length 100: half a header", 100),
        cut("length 192: no limit", 192),
        cut("length 1000: half the buckets", 1000),
        cut("length 2300: half the records", 2300),
        cut("length 16383", 16383),
        case("length 16385", |image| image.bytes.push(0)),
        case("length 20000", |image| image.bytes.resize(20000, 0)),
        case("cut to nothing and made long again", |image| image.bytes.fill(0)),
    ]
}

fn headers() -> Vec<Case> {
    let length = |name, length| case(name, |image| image.set(28, length));
    let replace = |name, old, new| case(name, |image| image.replace(old, new));
    vec![
        case("magic: the first byte", |image| image.bytes[0] = b'!'),
        case("magic: the last byte", |image| image.bytes[27] = 0),
        replace("magic: version 2", "file v1\n", "file v2\n"),
        length("header length 0", 0),
        length("header length 4: inside the magic", 4),
        length("header length 28", 28),
        length("header length 31", 31),
        length("header length 33", 33),
        length("header length 576", 576),
        length("header length 128 of the other byte order", 128u32.swap_bytes()),
        length("header length 2^32 - 1", u32::MAX),
        length("header length 32: plausible and wrong", 32),
        length("header length 160: plausible and wrong", 160),
        length("header length 544: plausible and wrong", 544),
        replace("metadata: a zero byte in the middle", "linux", "lin\0x"),
        case("metadata: a byte that is not UTF-8", |image| image.bytes[60] = 0xff),
        replace("metadata: a line without a colon", "GOOS: linux", "GOOS; linux"),
        replace("metadata: a key is missing", "Version: v1.2.3", "Varsion: v1.2.3"),
        replace(
            "metadata: two keys changed places",
            "GOOS: linux\nGOARCH: amd64",
            "GOARCH: linux\nGOOS: amd64",
        ),
        replace("metadata: no such day", "TimeBegin: 2026-01-05", "TimeBegin: 2026-02-30"),
        replace("metadata: the end before the begin", "TimeEnd: 2026", "TimeEnd: 2025"),
        case("metadata: empty", |image| image.bytes[32..192].fill(0)),
        case("header padding: one byte", |image| image.bytes[191] = 1),
    ]
}

fn limits() -> Vec<Case> {
    let limit = |name, limit| case(name, |image| image.set(LIMIT, limit));
    vec![
        limit("limit 0 with counters", 0),
        limit("limit 1", 1),
        limit("limit not a multiple of 32", END + 4),
        limit("limit in the header", 32),
        limit("limit in the bucket table", 1024),
        limit("limit below the last record", STACK),
        limit("limit at the end of the file", PAGE),
        limit("limit past the end of the file", PAGE + 32),
        limit("limit 2^31", 1 << 31),
        limit("limit 2^32 - 32", u32::MAX - 31),
        limit("limit 2^32 - 1", u32::MAX),
    ]
}

fn links() -> Vec<Case> {
    let head = |name, to: u32| case(name, |image| image.set(bucket_of("gophers"), to));
    let link = |name, from: u32, to: u32| case(name, |image| image.set(from + NEXT, to));
    vec![
        head("bucket: 0", 0),
        head("bucket: not a multiple of 32", N1667 + 4),
        head("bucket: 1", 1),
        head("bucket: into the header", 64),
        head("bucket: into the table", 1024),
        head("bucket: past the limit", END + 32),
        head("bucket: past the end of the file", PAGE),
        head("bucket: far past the end of the file", 1 << 30),
        head("bucket: 2^32 - 32", u32::MAX - 31),
        head("bucket: dead", DEAD),
        head("bucket: skips the newest record", N1426),
        head("bucket: a record of another bucket", A),
        head("bucket: inside a record", STACK + 32),
        link("ring of one record", N1667, N1667),
        link("ring of two records", N1426, N1667),
        link("ring of four records", GOPHERS, N1667),
        link("ring at the end of a chain", GOPHERS, GOPHERS),
        link("link: not a multiple of 32", N1426, N988 + 8),
        link("link: past the end of the file", N1426, PAGE + 64),
        link("link: dead, and linked", N1426, DEAD),
        link("link: into the chain of another bucket", A, N1667),
        link("link: to a record of another bucket", N1426, A),
        link("link: cut off", N1667, 0),
        case("two buckets lead to one chain", |image| image.set(bucket_of("a"), N1667)),
        case("every bucket leads to one record", |image| {
            for bucket in 0..512 {
                image.set(layout().bucket_at(bucket), A);
            }
        }),
    ]
}

fn records() -> Vec<Case> {
    let length = |name, at: u32, length: u32| case(name, |image| image.set(at + LENGTH, length));
    vec![
        length("name length 0", N1426, MARK),
        length("name length 4097", N1426, MARK | 4097),
        length("name length 2^24 - 1", N1426, MARK | 0x00ff_ffff),
        length("name length one less", N1426, MARK | 4),
        length("name length over the next record", GOPHERS, MARK | 40),
        length("name length: the whole word is 0", N1667, 0),
        case("a record past the end of the file", |image| {
            image.write(PAGE - 32, b"late", 1, 0);
            image.set(PAGE - 32 + LENGTH, MARK | 40);
            image.set(bucket_of("late"), PAGE - 32);
            image.set(LIMIT, PAGE);
        }),
        case("a record that reaches the end of a page", |image| {
            image.write(PAGE - 32, b"edge", 1, 0);
            image.set(bucket_of("edge"), PAGE - 32);
            image.set(LIMIT, PAGE);
        }),
        case("a record that crosses the end of a page", |image| {
            image.bytes.resize(2 * PAGE as usize, 0);
            image.write(PAGE - 32, b"a name of forty bytes, across two pages.", 1, 0);
            image.set(bucket_of("a name of forty bytes, across two pages."), PAGE - 32);
            image.set(LIMIT, PAGE + 32);
        }),
        case("two records overlap", |image| {
            // The outer name holds a whole record, whose bucket comes first.
            let (outer, inner) = (0..)
                .map(nested)
                .find(|(outer, inner)| hash(inner) < hash(outer) && bucket_is_free(image, inner))
                .expect("some name will do");
            image.set(LIMIT, END + 96);
            image.write(END, &outer, 8, 0);
            image.set(layout().bucket_at(hash(&outer)), END);
            image.set(layout().bucket_at(hash(&inner)), END + 32);
        }),
        case("a name twice in one chain", |image| {
            image.set(LIMIT, END + 32);
            image.write(END, b"gophers", 10, N1667);
            image.set(bucket_of("gophers"), END);
        }),
        case("one bit of a name", |image| image.bytes[(N1426 + 18) as usize] ^= 1),
        case("all bytes of a name are zero", |image| {
            image.bytes[(N1426 + 16) as usize..(N1426 + 21) as usize].fill(0);
        }),
        case("a record of zeros", |image| image.bytes[N1426 as usize..N988 as usize + 64].fill(0)),
        case("a page of zeros", |image| image.bytes[GOPHERS as usize..].fill(0)),
        case("all ones behind the header", |image| image.bytes[LIMIT as usize..].fill(0xff)),
        case("a record with a count in no chain", |image| {
            image.set(LIMIT, END + 32);
            image.write(END, b"lost", 42, 0);
        }),
    ]
}

/// A name of 48 bytes whose last 32 are a record, and the name in that record.
fn nested(i: u32) -> (Vec<u8>, Vec<u8>) {
    let inner = format!("in-{i}").into_bytes();
    let mut outer = format!("outer-name-{:05}", i / 100).into_bytes();
    outer.extend(9u64.to_ne_bytes());
    outer.extend((inner.len() as u32 | MARK).to_ne_bytes());
    outer.extend(0u32.to_ne_bytes());
    outer.extend(&inner);
    outer.resize(48, 0);
    (outer, inner)
}

fn bucket_is_free(image: &Image, name: &[u8]) -> bool {
    image.word(layout().bucket_at(hash(name))) == 0
}
