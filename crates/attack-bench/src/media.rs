//! Files as people and as attackers send them, made here.

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, Rgb, RgbImage, Rgba, RgbaImage};
use img_parts::{DynImage, ImageEXIF};

/// Of the recordings, in frames a second.
const RATE: u32 = 8_000;
/// Exif with one entry: the picture is to be turned by 90° (Exif 2.32, 4.6.4, tag 0112, value 6).
const TURNED: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

/// A voice message of one second, as a WAV file of 16-bit samples.
pub(crate) fn recording() -> Bytes {
    let samples = (0..RATE).flat_map(|n| (((f64::from(n) / 5.0).sin() * 9_000.0) as i16).to_le_bytes());
    let data: Vec<u8> = samples.collect();
    let number = |value: u32| value.to_le_bytes();
    let format = [&[1, 0, 1, 0][..], &number(RATE), &number(RATE * 2), &[2, 0, 16, 0]].concat();
    let length = data.len() as u32;
    let chunks = [&b"WAVEfmt "[..], &number(16), &format, b"data", &number(length), &data].concat();
    [&b"RIFF"[..], &number(length + 36), &chunks].concat().into()
}

/// A JPEG of 300 × 300 pixels.
pub(crate) fn small_picture() -> Bytes {
    jpeg(300, 300).into()
}

/// A JPEG of these sides that is to be turned.
pub(crate) fn turned_jpeg(width: u32, height: u32) -> Bytes {
    turned(jpeg(width, height))
}

/// A WebP of one colour and these sides that shows through and is to be turned: two kilobytes for 49 million pixels.
pub(crate) fn turned_webp(width: u32, height: u32) -> Bytes {
    let mut bytes = Vec::new();
    let image = DynamicImage::ImageRgba8(RgbaImage::from_pixel(width, height, Rgba([90, 120, 40, 128])));
    // What can't be encoded is sent as it is: the server's refusal then says so in the table.
    let _ = image.write_with_encoder(WebPEncoder::new_lossless(&mut bytes));
    turned(bytes)
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = DynamicImage::ImageRgb8(RgbImage::from_pixel(width, height, Rgb([90, 120, 40])));
    let _ = image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 80));
    bytes
}

fn turned(bytes: Vec<u8>) -> Bytes {
    match DynImage::from_bytes(bytes.clone().into()) {
        Ok(Some(mut image)) => {
            image.set_exif(Some(Bytes::from_static(TURNED)));
            image.encoder().bytes()
        }
        Ok(None) | Err(_) => bytes.into(),
    }
}

/// An MP4 with so many entries of no sample before the one that counts, and as many samples of one byte: who looks each sample's time
/// up by walking through the entries takes the square of that many steps (ISO/IEC 14496-12, 8.6.1.2).
pub(crate) fn slow_mp4(entries: u32) -> Bytes {
    let word = u32::to_be_bytes;
    let words = |values: &[u32]| values.iter().copied().flat_map(word).collect::<Vec<u8>>();
    let matrix = words(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
    let duration = entries;
    let mvhd =
        [words(&[0, 0, 0, RATE, duration, 0x1_0000, 0x0100_0000, 0, 0]), matrix.clone(), words(&[0, 0, 0, 0, 0, 0, 2])];
    let tkhd = [words(&[7, 0, 0, 1, 0, duration, 0, 0, 0, 0x0100_0000]), matrix, words(&[0, 0])];
    let mdhd = words(&[0, 0, 0, RATE, duration, 0x55c4_0000]);
    let hdlr = [words(&[0, 0]), b"soun".to_vec(), words(&[0, 0, 0]), vec![0]].concat();
    let dinf = atom(b"dinf", &[&atom(b"dref", &[&words(&[0, 1]), &atom(b"url ", &[&words(&[1])])])]);
    // AAC-LC, 8,000 Hz, one channel, in the descriptors of ISO/IEC 14496-1, 7.2.6.
    let config = [5, 2, 0x15, 0x88];
    let decoder = [&[4, 17, 0x40, 0x15, 0, 0, 0][..], &words(&[64_000, 64_000]), &config].concat();
    let esds = atom(b"esds", &[&words(&[0]), &[3, decoder.len() as u8 + 6, 0, 1, 0], &decoder, &[6, 1, 2]]);
    let entry = [&words(&[0, 1, 0, 0])[..], &[0, 1, 0, 16, 0, 0, 0, 0], &word(RATE << 16)].concat();
    let stsd = atom(b"stsd", &[&words(&[0, 1]), &atom(b"mp4a", &[&entry, &esds])]);
    let empty = words(&[0, 1]).repeat(entries as usize);
    let stts = atom(b"stts", &[&words(&[0, entries + 1]), &empty, &words(&[entries, 1])]);
    let stsc = atom(b"stsc", &[&words(&[0, 1, 1, entries, 1])]);
    let stsz = atom(b"stsz", &[&words(&[0, 1, entries])]);
    let ftyp = atom(b"ftyp", &[b"M4A \0\0\0\0M4A "]);
    let moov = |offset: u32| {
        let stco = atom(b"stco", &[&words(&[0, 1, offset])]);
        let stbl = atom(b"stbl", &[&stsd, &stts, &stsc, &stsz, &stco]);
        let minf = atom(b"minf", &[&atom(b"smhd", &[&words(&[0, 0])]), &dinf, &stbl]);
        let mdia = atom(b"mdia", &[&atom(b"mdhd", &[&mdhd]), &atom(b"hdlr", &[&hdlr]), &minf]);
        let trak = atom(b"trak", &[&atom(b"tkhd", &[&tkhd.concat()]), &mdia]);
        atom(b"moov", &[&atom(b"mvhd", &[&mvhd.concat()]), &trak])
    };
    let offset = ftyp.len() + moov(0).len() + 8;
    [ftyp, moov(offset as u32), atom(b"mdat", &[&vec![0x21; entries as usize]])].concat().into()
}

/// A box: its length, its type, its content.
fn atom(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, &content].concat()
}

/// A FLAC whose only sound is a block of so many comments of two bytes (RFC 9639, 8.6).
pub(crate) fn wordy_flac(comments: u32) -> Bytes {
    // Blocks of 4,096 samples; 8,000 Hz in 20 bits, one channel, 16 bits a sample, one second in 36 bits; no digest.
    let mut info = vec![0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0];
    let described = (u64::from(RATE) << 44) | (15 << 36) | u64::from(RATE);
    info.extend(described.to_be_bytes());
    info.extend([0; 16]);
    let said = [&2_u32.to_le_bytes()[..], b"A="].concat().repeat(comments as usize);
    let said = [&0_u32.to_le_bytes()[..], &comments.to_le_bytes(), &said].concat();
    let head = |kind: u8, length: usize| [&[kind][..], &(length as u32).to_be_bytes()[1..]].concat();
    [b"fLaC".to_vec(), head(0, info.len()), info, head(0x84, said.len()), said].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GenericImageView, ImageDecoder};

    #[test]
    fn pictures_are_small_files_of_many_pixels_that_are_to_be_turned() {
        for bytes in [turned_jpeg(700, 300), turned_webp(700, 300)] {
            assert!(bytes.len() < 20_000, "{}", bytes.len());
            assert_eq!(image::load_from_memory(&bytes).map(|image| image.dimensions()).ok(), Some((700, 300)));
            let reader = image::ImageReader::new(std::io::Cursor::new(&bytes)).with_guessed_format();
            let orientation = reader.ok().and_then(|reader| reader.into_decoder().ok()?.orientation().ok());
            assert_eq!(orientation, Some(image::metadata::Orientation::Rotate90));
        }
    }

    #[test]
    fn sounds_are_as_large_as_their_counts_say() {
        assert_eq!(recording().len(), 44 + 16_000);
        let (mp4, flac) = (slow_mp4(1_000), wordy_flac(1_000));
        assert!((9_000..9_800).contains(&mp4.len()), "{}", mp4.len());
        assert_eq!(flac.len(), 4 + 4 + 34 + 4 + 8 + 6_000);
    }
}
