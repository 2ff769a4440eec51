//! That lines are read as they are, wherever they lie in what is read at a time.

use super::*;

/// Writes lines of these lengths; returns where each begins, and its text.
fn written(segment: &Segment, lengths: &[usize]) -> Vec<(u64, Vec<u8>)> {
    let (mut lines, mut at) = (Vec::new(), 0);
    for (byte, length) in (b'a'..).zip(lengths) {
        let mut text = vec![byte; *length];
        lines.push((at, text.clone()));
        text.push(b'\n');
        segment.append(at, &text).unwrap();
        at += text.len() as u64;
    }
    lines
}

#[test]
fn lines_of_any_length_are_read_whole() {
    let few = [0, 1, 400, 400];
    for around in [
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        3 * CHUNK_BYTES,
    ] {
        let place = tempfile::tempdir().unwrap();
        let root = Root::open(place.path()).unwrap();
        let segment = Segment::create(&root, 1).unwrap();
        let lengths = [&few[..], &[around, around], &few[..]].concat();
        let lines = written(&segment, &lengths);
        let len = segment.extent().unwrap().len;
        let read = |from| {
            let mut read = Vec::new();
            let end = segment.raw_lines(&root, from, &mut |at, text| {
                read.push((at, text.to_vec()));
                Ok(true)
            });
            (read, end.unwrap())
        };
        for first in 0..lines.len() {
            assert!(read(lines[first].0) == (lines[first..].to_vec(), (len, End::Clean)));
        }
        segment.append(len, &vec![b'x'; around]).unwrap();
        assert!(read(0) == (lines.clone(), (len, End::Torn)));
        // Where it stops is not gone over.
        let stop = lines[5].0;
        let stopped = segment.raw_lines(&root, 0, &mut |at, _| Ok(at != stop));
        assert_eq!(stopped.unwrap(), (stop, End::Clean));
    }
}
