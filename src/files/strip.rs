//! Takes out of a picture what does not show: where and with what it was taken, comments, and whatever hangs on behind its end.
//! The picture itself stays bit for bit. A picture that cannot be read to its end is none.

use crate::files::picture::Format;
use bytes::Bytes;
use img_parts::jpeg::Jpeg;
use img_parts::png::Png;
use img_parts::riff::RiffContent;
use img_parts::webp::{CHUNK_ALPH, CHUNK_ANIM, CHUNK_ANMF, CHUNK_ICCP, CHUNK_VP8, CHUNK_VP8L, CHUNK_VP8X, WebP};

/// A progressive JPEG of more scans than this is made to keep decoders busy; encoders write about ten.
const SCANS_MAX: usize = 100;
const ICC: &[u8] = b"ICC_PROFILE\0";
/// The chunks of a PNG that show: pixels, colours, transparency, size in print, animation.
const PNG_KEPT: [&[u8; 4]; 17] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs",
    b"cICP", b"mDCV", b"acTL", b"fcTL", b"fdAT",
];
const WEBP_KEPT: [[u8; 4]; 7] = [CHUNK_ALPH, CHUNK_ANIM, CHUNK_ANMF, CHUNK_ICCP, CHUNK_VP8, CHUNK_VP8L, CHUNK_VP8X];
/// In the first byte of VP8X: "there is EXIF", "there is XMP".
const WEBP_METADATA: u8 = 0b0000_1100;

/// The picture and nothing else; none when it is broken, or a JPEG of more than so many scans.
pub(super) fn strip(format: Format, bytes: Bytes, scans: usize) -> Option<Bytes> {
    match format {
        Format::Jpeg => jpeg(bytes, scans.min(SCANS_MAX)),
        Format::Png => png(bytes),
        Format::WebP => webp(bytes),
        Format::Gif => gif(&bytes).map(Bytes::from),
    }
}

fn jpeg(bytes: Bytes, scans: usize) -> Option<Bytes> {
    let mut jpeg = Jpeg::from_bytes(bytes).ok()?;
    jpeg.segments_mut().retain(|segment| match segment.marker() {
        // APP2 holds the colour profile, or an index of further pictures behind the end; APP14 says how colours are coded.
        0xe2 => segment.contents().starts_with(ICC),
        0xe0 | 0xee => true,
        marker => !matches!(marker, 0xe1..=0xef | 0xfe),
    });
    let head = 2 + jpeg.segments().iter().map(|segment| segment.len()).sum::<usize>();
    let whole = jpeg.encoder().bytes();
    let end = jpeg_end(&whole, head, scans)?;
    Some(whole.slice(..end))
}

/// Where a JPEG ends whose first scan's data begin at `at`: phones hang more behind, with metadata of its own.
fn jpeg_end(bytes: &[u8], mut at: usize, most: usize) -> Option<usize> {
    let mut scans = 1;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match *bytes.get(at + 1)? {
            // Data, or a mark within them.
            0x00 | 0x01 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            0xd9 => return Some(at + 2),
            marker => {
                let length = u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]);
                at += 2 + usize::from(length);
                scans += usize::from(marker == 0xda);
                if scans > most {
                    return None;
                }
            }
        }
    }
}

fn png(bytes: Bytes) -> Option<Bytes> {
    let mut png = Png::from_bytes(bytes).ok()?;
    let end = png.chunks().iter().position(|chunk| chunk.kind() == *b"IEND")?;
    png.chunks_mut().truncate(end + 1);
    png.chunks_mut().retain(|chunk| PNG_KEPT.contains(&&chunk.kind()));
    Some(png.encoder().bytes())
}

fn webp(bytes: Bytes) -> Option<Bytes> {
    let mut webp = WebP::from_bytes(bytes).ok()?;
    webp.chunks_mut().retain(|chunk| WEBP_KEPT.contains(&chunk.id()));
    for chunk in webp.chunks_mut().iter_mut().filter(|chunk| chunk.id() == CHUNK_VP8X) {
        if let RiffContent::Data(data) = chunk.content_mut() {
            let mut flags = data.to_vec();
            *flags.first_mut()? &= !WEBP_METADATA;
            *data = Bytes::from(flags);
        }
    }
    Some(webp.encoder().bytes())
}

/// GIF89a, appendix A: a header, then blocks until the trailer.
fn gif(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut at = 13 + color_table(*bytes.get(10)?);
    kept.extend_from_slice(bytes.get(..at)?);
    loop {
        let begin = at;
        match *bytes.get(at)? {
            0x3b => {
                kept.push(0x3b);
                return Some(kept);
            }
            0x2c => {
                at += 10 + color_table(*bytes.get(at + 9)?) + 1;
                at = sub_blocks_end(bytes, at)?;
                kept.extend_from_slice(bytes.get(begin..at)?);
            }
            0x21 => {
                let label = *bytes.get(at + 1)?;
                let data = bytes.get(at + 3..)?;
                at = sub_blocks_end(bytes, at + 2)?;
                // Comments (0xfe) and applications (0xff) go, but for how often an animation repeats.
                let shows = match label {
                    0xfe => false,
                    0xff => data.starts_with(b"NETSCAPE2.0") || data.starts_with(b"ANIMEXTS1.0"),
                    _ => true,
                };
                if shows {
                    kept.extend_from_slice(bytes.get(begin..at)?);
                }
            }
            _ => return None,
        }
    }
}

/// The bytes of the colour table that a packed field announces.
fn color_table(packed: u8) -> usize {
    if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 0x07) + 1) }
}

/// Behind the empty block that ends a row of blocks.
fn sub_blocks_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
