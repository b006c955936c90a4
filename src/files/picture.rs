//! Pictures: opened within limits, turned upright, freed of what does not show, and made smaller for the list.

use crate::files::strip::strip;
use bytes::Bytes;
use fast_image_resize::Resizer;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Pixels on a side, at most.
const SIDE_MAX: u32 = 12_000;
/// Pixels in all, at most.
const PIXELS_MAX: u64 = 50_000_000;
/// Memory for one picture, in bytes: 25 megapixels with alpha as they come and once more turned upright, 66 without either.
const MEMORY_MAX: u64 = 200 << 20;
/// Pixels that all passes of a progressive picture together may paint: encoders write about ten.
const SCANNED_MAX: u64 = 600_000_000;
/// The longer side of a smaller picture, in pixels: what the list shows, on a dense screen.
const SMALL_SIDE: u32 = 480;
/// A picture that is small already but heavier than this (an animation) gets a smaller one too.
const LIGHT: usize = 1 << 20;
/// Quality of a smaller JPEG, and of one that had to be turned.
const SMALL_QUALITY: u8 = 80;
const TURNED_QUALITY: u8 = 92;

/// A picture as it is kept.
pub(super) struct Picture {
    pub(super) bytes: Bytes,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) small: Option<Small>,
}

/// A smaller picture.
pub(super) struct Small {
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The four formats that are opened at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
}

impl Format {
    /// The format of a type that was judged from the bytes.
    pub(super) fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "image/jpeg" => Some(Self::Jpeg),
            "image/png" => Some(Self::Png),
            "image/gif" => Some(Self::Gif),
            "image/webp" => Some(Self::WebP),
            _ => None,
        }
    }

    fn decoder(self) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
            Self::Gif => ImageFormat::Gif,
            Self::WebP => ImageFormat::WebP,
        }
    }
}

/// The memory that opening a picture takes at its height, in bytes, by its head alone. None when it is none, or takes too much.
pub(super) fn needed(format: Format, bytes: &Bytes) -> Option<u64> {
    let mut decoder = decoder(format, bytes)?;
    let orientation = decoder.orientation().ok()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PIXELS_MAX || width.max(height) > SIDE_MAX || width.min(height) == 0 {
        return None;
    }
    let color = decoder.color_type();
    let decoded = decoder.total_bytes();
    // Beside the pixels as they come stand, one after the other: what the decoder keeps until the last scan, ...
    let coefficients = if is_progressive(format, bytes) { pixels * 2 * u64::from(color.channel_count()) } else { 0 };
    // ... the same pixels turned (a half turn needs no copy), then what an encoder makes of them, ...
    let turned = if is_quarter_turn(orientation) { decoded } else { 0 };
    let encoded = if orientation != Orientation::NoTransforms && format == Format::WebP { pixels * 4 } else { 0 };
    // ... and eight bits a channel, from which the smaller picture is made.
    let is_plain = matches!(color, ColorType::Rgb8 | ColorType::Rgba8);
    let converted = if is_plain { 0 } else { pixels * if color.has_alpha() { 4 } else { 3 } };
    let all = decoded + [coefficients, turned, encoded, converted].into_iter().max().unwrap_or(0);
    (all <= MEMORY_MAX).then_some(all)
}

fn decoder(format: Format, bytes: &Bytes) -> Option<impl ImageDecoder> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes.clone()), format.decoder());
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    reader.into_decoder().ok()
}

fn is_quarter_turn(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
            true
        }
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

/// Whether a JPEG comes in several passes over the whole picture: said by the marker of its frame (ITU-T T.81, B.1.1.3).
fn is_progressive(format: Format, bytes: &[u8]) -> bool {
    let mut at = 2;
    while let (Format::Jpeg, Some(&[0xff, marker, high, low])) = (format, bytes.get(at..at + 4)) {
        match marker {
            0xc2 | 0xca => return true,
            0xda => return false,
            // A filling byte.
            0xff => at += 1,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

/// Opens a picture. None when it is broken or too large: then it is a file like any other. Blocks, and takes memory.
pub(super) fn prepare(format: Format, bytes: Bytes) -> Option<Picture> {
    // Said by the head, checked before anything is unpacked.
    needed(format, &bytes)?;
    let mut decoder = decoder(format, &bytes)?;
    let (width, height) = decoder.dimensions();
    let scans = SCANNED_MAX / (u64::from(width) * u64::from(height)).max(1);
    let stripped = strip(format, bytes.clone(), usize::try_from(scans).unwrap_or(usize::MAX))?;
    let orientation = decoder.orientation().ok()?;
    let profile = decoder.icc_profile().ok().flatten();
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    image.apply_orientation(orientation);
    let bytes = if orientation == Orientation::NoTransforms {
        stripped
    } else {
        Bytes::from(encode(&image, format, profile.as_deref())?)
    };
    let (width, height) = (image.width(), image.height());
    let is_small = width.max(height) <= SMALL_SIDE && bytes.len() <= LIGHT;
    let small = if is_small { None } else { smaller(image, profile.as_deref()) };
    Some(Picture { bytes, width, height, small })
}

/// A picture that had to be turned, in its own format again.
fn encode(image: &DynamicImage, format: Format, profile: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match format {
        Format::Jpeg => write(JpegEncoder::new_with_quality(&mut out, TURNED_QUALITY), image, profile)?,
        Format::WebP => write(WebPEncoder::new_lossless(&mut out), image, profile)?,
        // A GIF says nothing of how it is held.
        Format::Png | Format::Gif => write(PngEncoder::new(&mut out), image, profile)?,
    }
    Some(out)
}

fn write(mut encoder: impl ImageEncoder, image: &DynamicImage, profile: Option<&[u8]>) -> Option<()> {
    if let Some(profile) = profile {
        // An encoder that takes no profile shows the colours a little off.
        let _ = encoder.set_icc_profile(profile.to_vec());
    }
    image.write_with_encoder(encoder).ok()
}

/// A JPEG, or a PNG where something shows through.
fn smaller(image: DynamicImage, profile: Option<&[u8]>) -> Option<Small> {
    let longer = image.width().max(image.height());
    let scale = |side: u32| match longer {
        0..=SMALL_SIDE => side,
        _ => u32::try_from(u64::from(side) * u64::from(SMALL_SIDE) / u64::from(longer)).unwrap_or(1).max(1),
    };
    let (width, height) = (scale(image.width()), scale(image.height()));
    let source = if image.color().has_alpha() {
        DynamicImage::ImageRgba8(image.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(image.into_rgb8())
    };
    let mut small = DynamicImage::new(width, height, source.color());
    Resizer::new().resize(&source, &mut small, None).ok()?;
    let shows_through = small.as_rgba8().is_some_and(|pixels| pixels.pixels().any(|pixel| pixel.0[3] < 255));
    let mut bytes = Vec::new();
    if shows_through {
        write(PngEncoder::new(&mut bytes), &small, profile)?;
    } else {
        let small = DynamicImage::ImageRgb8(small.into_rgb8());
        write(JpegEncoder::new_with_quality(&mut bytes, SMALL_QUALITY), &small, profile)?;
    }
    Some(Small { bytes, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;
    use img_parts::png::{Png, PngChunk};

    /// A block of Exif that says nothing but how the picture is held.
    fn exif(orientation: u8) -> Vec<u8> {
        [b"II*\0\x08\0\0\0\x01\0", &[0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0][..], &[0; 4]].concat()
    }

    /// The head of a lossless WebP with alpha, and hardly a pixel behind it.
    fn webp(width: u32, height: u32, orientation: u8) -> Vec<u8> {
        let sides = [&(width - 1).to_le_bytes()[..3], &(height - 1).to_le_bytes()[..3]].concat();
        let packed = (width - 1) | (height - 1) << 14 | 1 << 28;
        let chunk = |kind: &[u8; 4], content: &[u8]| {
            let size = u32::try_from(content.len()).unwrap();
            [kind, &size.to_le_bytes()[..], content, &[0][..content.len() % 2]].concat()
        };
        let chunks = [
            chunk(b"VP8X", &[&[0b0001_1000, 0, 0, 0][..], &sides].concat()),
            chunk(b"VP8L", &[&[0x2f][..], &packed.to_le_bytes(), &[0; 9]].concat()),
            chunk(b"EXIF", &exif(orientation)),
        ]
        .concat();
        [b"RIFF", &(u32::try_from(chunks.len()).unwrap() + 4).to_le_bytes()[..], b"WEBP", &chunks].concat()
    }

    /// A small JPEG whose head claims these sides.
    fn jpeg(width: u16, height: u16, orientation: u8, is_progressive: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(JpegEncoder::new(&mut bytes), &DynamicImage::new_rgb8(8, 8), None).unwrap();
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        bytes[frame + 1] = if is_progressive { 0xc2 } else { 0xc0 };
        bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        let exif = [b"Exif\0\0", &exif(orientation)[..]].concat();
        let size = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&bytes[..2], &[0xff, 0xe1], &size, &exif, &bytes[2..]].concat()
    }

    fn png(width: u32, height: u32, bits: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(PngEncoder::new(&mut bytes), &DynamicImage::new_rgba8(4, 4), None).unwrap();
        let mut png = Png::from_bytes(Bytes::from(bytes)).unwrap();
        let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, 6, 0, 0, 0]].concat();
        png.chunks_mut()[0] = PngChunk::new(*b"IHDR", Bytes::from(head));
        png.encoder().bytes().to_vec()
    }

    /// S11: 2 kB of WebP, 49 megapixels with alpha that had to be turned, took 560 MB. The head says what it takes.
    #[test]
    fn s11_a_pictures_memory_is_known_before_it_is_taken() {
        const UPRIGHT: u8 = 1;
        const HALF: u8 = 3;
        const QUARTER: u8 = 6;
        for (what, format, bytes, needed) in [
            ("alpha, turned", Format::WebP, webp(7_000, 7_000, QUARTER), None),
            ("alpha, upside down", Format::WebP, webp(7_000, 7_000, HALF), None),
            ("alpha, upright", Format::WebP, webp(7_000, 7_000, UPRIGHT), Some(196_000_000)),
            ("25 megapixels with alpha, turned", Format::WebP, webp(5_000, 5_000, QUARTER), Some(200_000_000)),
            ("a large camera's", Format::Jpeg, jpeg(8_000, 6_000, UPRIGHT, false), Some(144_000_000)),
            ("the same upside down", Format::Jpeg, jpeg(8_000, 6_000, HALF, false), Some(144_000_000)),
            ("the same turned", Format::Jpeg, jpeg(8_000, 6_000, QUARTER, false), None),
            ("a phone's, turned", Format::Jpeg, jpeg(4_000, 3_000, QUARTER, false), Some(72_000_000)),
            ("in passes, too large", Format::Jpeg, jpeg(8_000, 6_000, UPRIGHT, true), None),
            ("in passes", Format::Jpeg, jpeg(5_000, 4_000, UPRIGHT, true), Some(180_000_000)),
            ("eight bits", Format::Png, png(5_000, 5_000, 8), Some(100_000_000)),
            ("sixteen bits", Format::Png, png(5_000, 5_000, 16), None),
            ("too wide", Format::Png, png(SIDE_MAX + 1, 1, 8), None),
            ("nothing", Format::Png, png(0, 1, 8), None),
        ] {
            let (bytes, size) = (Bytes::from(bytes.clone()), bytes.len());
            assert_eq!(super::needed(format, &bytes), needed, "{what}: {size} bytes");
            assert!(needed.is_some() || prepare(format, bytes).is_none(), "{what}");
        }
    }
}
