//! Pictures: opened within limits, turned upright, freed of what does not show, and made smaller for the list.

use crate::files::strip::strip;
use bytes::Bytes;
use fast_image_resize::Resizer;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Pixels on a side, at most.
const SIDE_MAX: u32 = 12_000;
/// Pixels in all, at most.
const PIXELS_MAX: u64 = 50_000_000;
/// Memory for the pixels of one picture, in bytes.
const MEMORY_MAX: u64 = 256 << 20;
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
pub(super) fn format(media_type: &str) -> Option<ImageFormat> {
    match media_type {
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/png" => Some(ImageFormat::Png),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Opens a picture. None when it is broken or too large: then it is a file like any other. Blocks, and takes memory.
pub(super) fn prepare(format: ImageFormat, bytes: Bytes) -> Option<Picture> {
    let stripped = strip(format, bytes.clone())?;
    let mut reader = ImageReader::with_format(Cursor::new(&bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    // Said by the head, checked before anything is unpacked.
    let is_bomb = u64::from(width) * u64::from(height) > PIXELS_MAX || decoder.total_bytes() > MEMORY_MAX;
    if is_bomb || width.max(height) > SIDE_MAX || width.min(height) == 0 {
        return None;
    }
    let orientation = decoder.orientation().ok()?;
    let profile = decoder.icc_profile().ok().flatten();
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    image.apply_orientation(orientation);
    let bytes = match orientation {
        Orientation::NoTransforms => stripped,
        _ => Bytes::from(encode(&image, format, profile.as_deref())?),
    };
    let (width, height) = (image.width(), image.height());
    let is_small = width.max(height) <= SMALL_SIDE && bytes.len() <= LIGHT;
    let small = if is_small { None } else { smaller(image, profile.as_deref()) };
    Some(Picture { bytes, width, height, small })
}

/// A picture that had to be turned, in its own format again.
fn encode(image: &DynamicImage, format: ImageFormat, profile: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match format {
        ImageFormat::Jpeg => write(JpegEncoder::new_with_quality(&mut out, TURNED_QUALITY), image, profile)?,
        ImageFormat::WebP => {
            let image = DynamicImage::ImageRgba8(image.to_rgba8());
            write(WebPEncoder::new_lossless(&mut out), &image, profile)?;
        }
        _ => write(PngEncoder::new(&mut out), image, profile)?,
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
