//! Small files and texts that are much work, made here: nothing of them is somebody's recording.

/// A box of ISO/IEC 14496-12: its size, its type, what it holds.
fn atom(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let size = u32::try_from(content.len() + 8).unwrap();
    [&size.to_be_bytes()[..], kind, &content].concat()
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A recording in MP4: so many empty entries in its table of times before the one that counts, and so many samples of one byte, each 2.5 ms
/// of silence in Opus. To find the time of a sample, the table is walked from its beginning.
pub fn mp4(empty_entries: usize, samples: u32) -> Vec<u8> {
    let head = words(&[0, 0, 0]);
    let opus = atom(b"dOps", &[&[0, 1, 0, 0], &48_000_u32.to_be_bytes(), &[0, 0, 0]]);
    let entry =
        atom(b"Opus", &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 8], &[0, 1, 0, 16], &[0; 4], &words(&[48_000 << 16]), &opus]);
    let times =
        [words(&[0, u32::try_from(empty_entries).unwrap() + 1]), vec![0; empty_entries * 8], words(&[samples, 120])]
            .concat();
    let table = |offset: u32| {
        let parts = [
            atom(b"stsd", &[&words(&[0, 1]), &entry]),
            atom(b"stts", &[&times]),
            atom(b"stsc", &[&words(&[0, 1, 1, samples, 1])]),
            atom(b"stsz", &[&words(&[0, 1, samples])]),
            atom(b"stco", &[&words(&[0, 1, offset])]),
        ]
        .concat();
        let media = [
            atom(b"mdhd", &[&head, &words(&[48_000, samples * 120, 0])]),
            atom(b"hdlr", &[&words(&[0, 0]), b"soun", &[0; 13]]),
            atom(b"minf", &[&atom(b"smhd", &[&[0; 8]]), &atom(b"stbl", &[&parts])]),
        ]
        .concat();
        let track = [atom(b"tkhd", &[&head, &words(&[1, 0, 0]), &[0; 60]]), atom(b"mdia", &[&media])].concat();
        let movie = atom(b"mvhd", &[&head, &words(&[1_000, 0]), &[0; 80]]);
        let moov = atom(b"moov", &[&movie, &atom(b"trak", &[&track])]);
        [atom(b"ftyp", &[b"M4A \0\0\0\0isom"]), moov].concat()
    };
    let offset = u32::try_from(table(0).len() + 8).unwrap();
    [table(offset), atom(b"mdat", &[&vec![0x80; samples as usize]])].concat()
}

/// A FLAC file of so many comments of seven bytes each, with no sound behind them.
pub fn flac(comments: u32) -> Vec<u8> {
    let mut tags = [&0_u32.to_le_bytes()[..], &comments.to_le_bytes()].concat();
    for _ in 0..comments {
        tags.extend(3_u32.to_le_bytes());
        tags.extend(b"A=b");
    }
    let size = u32::try_from(tags.len()).unwrap().to_be_bytes();
    // STREAMINFO: blocks of 4,096 samples at 44,100 Hz, one channel, 16 bits.
    let info = [&[0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0][..], &[0x0a, 0xc4, 0x40, 0xf0, 0, 0, 0x10, 0], &[0; 16]].concat();
    [b"fLaC", &[0, 0, 0, 34][..], &info, &[0x84], &size[1..], &tags].concat()
}

/// Code that takes its grammar long, of at most so many characters, with somebody named outside of it.
pub fn code(language: &str, piece: &str, most: usize) -> String {
    let line = format!("{}\n", piece.repeat(190 / piece.len()));
    format!("@Bob\n```{language}\n{}```", line.repeat((most - 60) / line.len()))
}
