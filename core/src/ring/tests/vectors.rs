//! The cases that Go tests its profBuf with, in both layouts and from several starts.

use super::*;

const A: u64 = 0xa;
const B: u64 = 0xb;
const T: u64 = 0x7;

/// Starts: at zero, and shortly before each of the two counts wraps.
const STARTS: [Index; 3] =
    [Index::new(0, 0), Index::new(0xffff_fff0, 0x3fff_fffe), Index::new(0xffff_fe00, 0x3fff_fff0)];

macro_rules! in_both_layouts {
    ($($name:ident($writer:ident, $reader:ident, $data:literal, $tags:literal) $body:block)*) => {$(
        #[test]
        fn $name() {
            fn run<W: Width>() {
                for start in STARTS {
                    let capacity = Capacity::new(2, $data, $tags).unwrap();
                    let mut memory = memory(capacity);
                    let ($writer, mut $reader) = ring::<W, _>(&mut memory, capacity, start, Polling);
                    $body
                }
            }
            #[cfg(target_has_atomic = "64")]
            run::<Whole>();
            run::<Halves>();
        }
    )*};
}

in_both_layouts! {
    an_event_is_not_read_as_written(writer, reader, 11, 1) {
        writer.write(A, 1, &[2, 3], &[4, 5, 6, 7, 8, 9]).unwrap();
        let read = given(reader.read().unwrap());
        assert_eq!(read, words(&[10, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[A]));
        assert_eq!(given(reader.read().unwrap()), words(&[], &[]));
        writer.write(B, 99, &[101, 102], &[201, 202, 203, 204]).unwrap();
        let read = given(reader.read().unwrap());
        assert_eq!(read, words(&[8, 99, 101, 102, 201, 202, 203, 204], &[B]));
    }

    events_in_one_piece_come_in_several_reads(writer, reader, 50, 50) {
        writer.write(A, 1, &[2, 3], &[4, 5, 6, 7, 8, 9]).unwrap();
        writer.write(B, 99, &[101, 102], &[201, 202, 203, 204]).unwrap();
        writer.write(T, 500, &[502, 504], &[506]).unwrap();
        let mut all = given(reader.read().unwrap());
        while all.words.len() < 23 {
            // Only where the array ends, or that of the tags.
            let Given { words, tags, .. } = given(reader.read().unwrap());
            assert!(STARTS[1..].iter().any(|start| start.data_count() % 64 > 41 || start.tag_count() % 64 > 61));
            all.words.extend(words);
            all.tags.extend(tags);
        }
        assert_eq!(all.words[..10], [10, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(all.words[10..], [8, 99, 101, 102, 201, 202, 203, 204, 5, 500, 502, 504, 506]);
        assert_eq!(all.tags, [A, B, T]);
    }

    a_ring_of_two_tags_does_not_go_round(writer, reader, 16, 2) {
        for round in 0..10 {
            writer.write(A, round, &[2, 3], &[4, 5, 6, 7, 8, 9]).unwrap();
            let read = given(reader.read().unwrap());
            assert_eq!(read, words(&[10, round, 2, 3, 4, 5, 6, 7, 8, 9], &[A]));
            assert_eq!(given(reader.read().unwrap()), words(&[], &[]));
        }
    }

    a_ring_of_many_tags_does_not_go_round(writer, reader, 16, 1024) {
        for round in 0..10 {
            writer.write(A, round, &[2, 3], &[4, 5, 6, 7, 8, 9]).unwrap();
            let read = given(reader.read().unwrap());
            assert_eq!(read, words(&[10, round, 2, 3, 4, 5, 6, 7, 8, 9], &[A]));
            assert_eq!(given(reader.read().unwrap()), words(&[], &[]));
        }
    }

    a_large_ring_does_not_go_round(writer, reader, 1024, 2) {
        // Miri: enough to go round once, from the start before the wrap.
        for round in 0..if cfg!(miri) { 55 } else { 200 } {
            writer.write(A, round, &[2, 3], &[4, 5, 6, 7, 8, 9]).unwrap();
            let read = given(reader.read().unwrap());
            assert_eq!(read, words(&[10, round, 2, 3, 4, 5, 6, 7, 8, 9], &[A]));
            assert_eq!(given(reader.read().unwrap()), words(&[], &[]));
        }
    }

    the_writer_does_not_tell_of_its_losses(writer, reader, 16, 5) {
        writer.write(T, 1, &[2, 3], &[4, 5, 6, 7, 8, 9]).unwrap();
        assert_eq!(given(reader.read().unwrap()), words(&[10, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[T]));
        writer.write(B, 99, &[101, 102], &[201, 202]).unwrap();
        assert_eq!(given(reader.read().unwrap()), words(&[6, 99, 101, 102, 201, 202], &[B]));
        // The 6 words are not given back yet, and 6 more lie behind them at the end of the array.
        assert_eq!(writer.write(A, 99, &[101, 102], &[201, 202, 203, 204, 205, 206, 207, 208, 209]), Err(Reason::Full));
        for i in 0..299 {
            assert_eq!(writer.write(A, 100 + i, &[101, 102], &[201, 202, 203, 204]), Err(Reason::Full), "{i}");
        }
        writer.write(T, 500, &[502, 504], &[506]).unwrap();
        assert_eq!(
            given(reader.read().unwrap()),
            words(&[5, 99, 0, 0, 300, 5, 500, 502, 504, 506], &[0, T])
        );
        assert_eq!(given(reader.read().unwrap()), words(&[], &[]));
    }

    the_reader_does_not_tell_of_losses_at_the_end(writer, reader, 12, 5) {
        writer.write(T, 1, &[2, 3], &[4, 5, 6, 7, 8, 9]).unwrap();
        for i in 0..300 {
            assert_eq!(writer.write(A, 99 + i, &[101, 102], &[201, 202, 203, 204]), Err(Reason::Full), "{i}");
        }
        assert_eq!(given(reader.read().unwrap()), words(&[10, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[T]));
        assert_eq!(given(reader.read().unwrap()), words(&[5, 99, 0, 0, 300], &[0]));
        writer.write(T, 500, &[502, 504], &[506]).unwrap();
        assert_eq!(given(reader.read().unwrap()), words(&[5, 500, 502, 504, 506], &[T]));
        assert_eq!(given(reader.read().unwrap()), words(&[], &[]));
    }

    what_is_in_the_ring_is_lost_when_it_closes(writer, reader, 16, 5) {
        writer.write(A, 1, &[], &[4]).unwrap();
        assert_eq!(writer.write(A, 2, &[], &[0; 20]), Err(Reason::TooLarge));
        writer.close();
        assert_eq!(given(reader.read().unwrap()), words(&[5, 1, 0, 0, 4], &[A]));
        assert_eq!(given(reader.read().unwrap()), words(&[5, 2, 0, 0, 1], &[0]));
        for _ in 0..3 {
            assert_eq!(given(reader.read().unwrap()), Given { is_end: true, ..Given::default() });
        }
    }
}
