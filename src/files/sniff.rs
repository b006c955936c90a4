//! What a file is, judged from its bytes. The name and what the browser says of it are no evidence.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The bytes at the beginning that tell the type.
const HEAD: usize = 8 * 1024;

/// How a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As a picture.
    Image,
    /// In a player.
    Video,
    /// In a player.
    Audio,
    /// As a voice message.
    Voice,
    /// As a card.
    File,
}

impl Kind {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Voice => "voice",
            Self::File => "file",
        }
    }
}

/// The types that are told apart, by the word of `infer`. Whatever else there is (SVG, HTML and XML among it) is a text or bytes.
const KNOWN: [(&str, Kind, &str); 27] = [
    ("image/jpeg", Kind::Image, "image/jpeg"),
    ("image/png", Kind::Image, "image/png"),
    ("image/gif", Kind::Image, "image/gif"),
    ("image/webp", Kind::Image, "image/webp"),
    ("video/mp4", Kind::Video, "video/mp4"),
    ("video/x-m4v", Kind::Video, "video/mp4"),
    ("video/webm", Kind::Video, "video/webm"),
    ("video/quicktime", Kind::Video, "video/quicktime"),
    ("audio/mpeg", Kind::Audio, "audio/mpeg"),
    ("audio/m4a", Kind::Audio, "audio/mp4"),
    ("audio/opus", Kind::Audio, "audio/ogg"),
    ("audio/ogg", Kind::Audio, "audio/ogg"),
    ("audio/x-flac", Kind::Audio, "audio/flac"),
    ("audio/x-wav", Kind::Audio, "audio/wav"),
    ("audio/aac", Kind::Audio, "audio/aac"),
    ("application/pdf", Kind::File, "application/pdf"),
    ("application/zip", Kind::File, "application/zip"),
    ("application/gzip", Kind::File, "application/gzip"),
    ("application/x-7z-compressed", Kind::File, "application/x-7z-compressed"),
    ("application/rtf", Kind::File, "application/rtf"),
    ("application/epub+zip", Kind::File, "application/epub+zip"),
    ("application/vnd.oasis.opendocument.text", Kind::File, "application/vnd.oasis.opendocument.text"),
    ("application/vnd.oasis.opendocument.spreadsheet", Kind::File, "application/vnd.oasis.opendocument.spreadsheet"),
    ("application/vnd.oasis.opendocument.presentation", Kind::File, "application/vnd.oasis.opendocument.presentation"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Kind::File,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Kind::File,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        Kind::File,
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
];

/// What nobody knows anything of.
pub(super) const BYTES: (Kind, &str) = (Kind::File, "application/octet-stream");

/// The type of a file. Blocks.
pub(super) fn sniff(path: &Path) -> io::Result<(Kind, &'static str)> {
    let mut file = File::open(path)?;
    let mut head = Vec::with_capacity(HEAD);
    Read::by_ref(&mut file).take(HEAD as u64).read_to_end(&mut head)?;
    let guess = infer::get(&head).map(|found| found.mime_type());
    if let Some((_, kind, media_type)) = KNOWN.iter().find(|(word, ..)| Some(*word) == guess) {
        return Ok((*kind, media_type));
    }
    Ok(if is_text(head, &mut file)? { (Kind::File, "text/plain") } else { BYTES })
}

/// Whether a file is UTF-8 without NUL to its end.
fn is_text(mut pending: Vec<u8>, rest: &mut impl Read) -> io::Result<bool> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let whole = match std::str::from_utf8(&pending) {
            Ok(text) => text.len(),
            // A character may continue in the next piece.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Ok(false),
        };
        if pending[..whole].contains(&0) {
            return Ok(false);
        }
        pending.drain(..whole);
        match rest.read(&mut buffer)? {
            0 => return Ok(pending.is_empty()),
            read => pending.extend_from_slice(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> (Kind, &'static str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, bytes).unwrap();
        sniff(&path).unwrap()
    }

    #[test]
    fn what_could_run_is_a_text() {
        let text = (Kind::File, "text/plain");
        assert_eq!(of(b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"), text);
        assert_eq!(of(b"<!DOCTYPE html><script>alert(1)</script>"), text);
        assert_eq!(of(b"<?xml version=\"1.0\"?><x/>"), text);
        assert_eq!(of(b"#!/bin/sh\nrm -rf /"), text);
    }

    #[test]
    fn a_text_is_utf_8_to_its_end() {
        assert_eq!(of("é".repeat(100_001).as_bytes()), (Kind::File, "text/plain"));
        assert_eq!(of(&[b'a'; 9_000]), (Kind::File, "text/plain"));
        assert_eq!(of(&[&[b'a'; 9_000][..], b"\xff"].concat()), BYTES);
        assert_eq!(of(&[&[b'a'; 9_000][..], b"\0"].concat()), BYTES);
        assert_eq!(of(&[&[b'a'; 9_000][..], b"\xc3"].concat()), BYTES);
        assert_eq!(of(b"%PDF-1.7\n\xff"), (Kind::File, "application/pdf"));
    }
}
