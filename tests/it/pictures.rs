//! Pictures as phones and cameras make them: with what they say beside the pixels, and what must not be said on.

use crate::files::{load, picture, sends};
use crate::harness::Town;
use crate::message::two;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use img_parts::png::{Png, PngChunk};
use img_parts::{Bytes, DynImage, ImageEXIF};
use serde_json::{Value, json};
use std::io::Cursor;

const SECRET: &[u8] = b"48.8566N 2.3522E";

/// A block of Exif: turned by 90°, taken at a place.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x02\0".to_vec();
    block.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    // GPSInfo: a directory that holds the latitude's reference, here the whole place.
    block.extend([0x25, 0x88, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0, 0, 0, 0, 0]);
    block.extend([1, 0, 1, 0, 2, 0, u8::try_from(SECRET.len()).unwrap(), 0, 0, 0, 56, 0, 0, 0, 0, 0, 0, 0]);
    block.extend(SECRET);
    block
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, content].concat()
}

/// A JPEG with everything that a phone writes into one, and a second picture behind its end.
pub fn from_a_phone(orientation: u8, width: u32, height: u32) -> Vec<u8> {
    let plain = picture(width, height, ImageFormat::Jpeg);
    let metadata = [
        segment(0xe1, &[b"Exif\0\0", &exif(orientation)[..]].concat()),
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>", SECRET].concat()),
        segment(0xe2, &[b"MPF\0", SECRET].concat()),
        segment(0xed, &[b"Photoshop 3.0\0", SECRET].concat()),
        segment(0xfe, SECRET),
    ];
    [&plain[..2], &metadata.concat(), &plain[2..], &plain, SECRET].concat()
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|part| part == what)
}

fn sides(change: &Value) -> (Value, Value) {
    let file = &change["message"]["attachments"][0];
    (file["width"].clone(), file["height"].clone())
}

/// The place where a picture was taken is nobody's business; what is hung on behind its end neither.
#[tokio::test]
async fn a_picture_does_not_say_where_it_was_taken() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let jpeg = from_a_phone(1, 60, 30);
    assert!(holds(&jpeg, SECRET));
    let mut png = Png::from_bytes(Bytes::from(picture(60, 30, ImageFormat::Png))).unwrap();
    png.chunks_mut().insert(1, PngChunk::new(*b"tEXt", Bytes::from([b"Comment\0", SECRET].concat())));
    png.chunks_mut().insert(2, PngChunk::new(*b"eXIf", Bytes::from(exif(1))));
    let png = [&png.encoder().bytes()[..], SECRET].concat();
    let mut webp = DynImage::from_bytes(Bytes::from(picture(60, 30, ImageFormat::WebP))).unwrap().unwrap();
    webp.set_exif(Some(Bytes::from(exif(1))));
    let webp = webp.encoder().bytes().to_vec();
    let gif = picture(60, 30, ImageFormat::Gif);
    let table = 13 + if gif[10] & 0x80 == 0 { 0 } else { 3 << ((gif[10] & 7) + 1) };
    let comment = [&[0x21, 0xfe, u8::try_from(SECRET.len()).unwrap()][..], SECRET, &[0]].concat();
    let gif = [&gif[..table], &comment, &gif[table..], SECRET].concat();
    for (name, media_type, bytes) in [
        ("a.jpg", "image/jpeg", &jpeg),
        ("a.png", "image/png", &png),
        ("a.webp", "image/webp", &webp),
        ("a.gif", "image/gif", &gif),
    ] {
        assert!(holds(bytes, SECRET), "{name}");
        let change = sends(&alice, &goal, "", &[(name, bytes)]).await;
        let served = load(&bob, &change).await;
        assert_eq!((served.header("content-type"), sides(&change)), (media_type, (json!(60), json!(30))), "{name}");
        for secret in [SECRET, b"Exif", b"xmpmeta", b"Photoshop"] {
            assert!(!holds(&served.bytes, secret), "{name} still says {:?}", String::from_utf8_lossy(secret));
        }
        let shown = image::load_from_memory(&served.bytes).unwrap();
        assert_eq!(shown, image::load_from_memory(bytes).unwrap(), "{name}: not a pixel is lost");
        assert_eq!(change["message"]["attachments"][0]["size"], json!(served.bytes.len()));
    }
}

/// A phone that is held upright says so in Exif: what is served is upright by itself, and so is the smaller picture.
#[tokio::test]
async fn a_picture_is_turned_upright() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let change = sends(&alice, &goal, "", &[("a.jpg", &from_a_phone(6, 1_000, 500))]).await;
    assert_eq!(sides(&change), (json!(500), json!(1_000)));
    assert_eq!(change["message"]["attachments"][0]["thumbnail"], json!({ "width": 240, "height": 480 }));
    let whole = load(&bob, &change).await;
    assert!(!holds(&whole.bytes, SECRET) && !holds(&whole.bytes, b"Exif"));
    let path = format!("/attachment/{}/thumbnail", crate::files::file_id(&change));
    let small = crate::files::ask(&bob, reqwest::Method::GET, &path, &[]).await;
    for (bytes, width, height) in [(&whole.bytes, 500, 1_000), (&small.bytes, 240, 480)] {
        let shown = image::load_from_memory(bytes).unwrap().into_rgb8();
        assert_eq!(shown.dimensions(), (width, height));
        let (top, bottom) = (shown.get_pixel(width / 2, 9), shown.get_pixel(width / 2, height - 9));
        assert!(top.0[0] > top.0[2] && bottom.0[2] > bottom.0[0], "what was left is above: {top:?} {bottom:?}");
    }
    assert_eq!(small.header("content-type"), "image/jpeg");
    let unchanged = [("if-none-match", small.header("etag"))];
    assert_eq!(crate::files::ask(&bob, reqwest::Method::GET, &path, &unchanged).await.status, 304);
}

#[tokio::test]
async fn what_shows_through_stays_so() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let image = RgbaImage::from_fn(600, 100, |x, _| Rgba([10, 90, 60, if x < 300 { 0 } else { 255 }]));
    let mut png = Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(image).write_to(&mut png, ImageFormat::Png).unwrap();
    let change = sends(&alice, &goal, "", &[("logo.png", png.get_ref())]).await;
    let path = format!("/attachment/{}/thumbnail", crate::files::file_id(&change));
    let small = crate::files::ask(&bob, reqwest::Method::GET, &path, &[]).await;
    assert_eq!((small.header("content-type"), small.header("x-content-type-options")), ("image/png", "nosniff"));
    let shown = image::load_from_memory(&small.bytes).unwrap().into_rgba8();
    assert_eq!((shown.dimensions(), shown.get_pixel(40, 40).0[3], shown.get_pixel(440, 40).0[3]), ((480, 80), 0, 255));
}

/// CVE-2026-73057 (SVG), CVE-2021-37865 (a crafted GIF), CVE-2024-53863 (formats that nobody expected): four formats are opened; what claims to be enormous is not unpacked, and what is broken is a file
/// like any other. Nobody's server stands still for it.
#[tokio::test]
async fn a_bomb_and_a_wreck_are_plain_files() {
    let town = Town::start().await;
    let (alice, bob, goal) = two(&town).await;
    let claims = |width: u32, height: u32| {
        let mut png = Png::from_bytes(Bytes::from(picture(4, 4, ImageFormat::Png))).unwrap();
        let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        png.chunks_mut()[0] = PngChunk::new(*b"IHDR", Bytes::from(head));
        png.encoder().bytes().to_vec()
    };
    let mut gif = picture(4, 4, ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let whole = picture(64, 64, ImageFormat::Png);
    let jpeg = picture(64, 64, ImageFormat::Jpeg);
    let scans = [&jpeg[..jpeg.len() - 2], &segment(0xda, &[1, 1, 0, 0, 63, 0]).repeat(200), &[0xff, 0xd9]].concat();
    for (name, bytes) in [
        ("bomb.png", claims(30_000, 30_000)),
        ("wide.png", claims(13_000, 1)),
        ("large.png", claims(11_000, 11_000)),
        ("none.png", claims(0, 4)),
        ("bomb.gif", gif),
        ("scans.jpg", scans),
        ("wreck.png", whole[..whole.len() / 2].to_vec()),
        ("head.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF".to_vec()),
        ("head.gif", b"GIF89a".to_vec()),
        ("head.webp", b"RIFF\xff\xff\xff\xffWEBPVP8X".to_vec()),
    ] {
        let change = sends(&alice, &goal, "", &[(name, &bytes)]).await;
        let file = &change["message"]["attachments"][0];
        assert_eq!(
            (&file["kind"], &file["width"], &file["thumbnail"]),
            (&json!("file"), &json!(null), &json!(null)),
            "{name}"
        );
        let served = load(&bob, &change).await;
        assert_eq!(served.bytes, bytes, "{name} comes back as it went");
        assert_eq!(served.header("content-type"), "application/octet-stream", "{name}");
        assert!(served.header("content-disposition").starts_with("attachment;"), "{name}");
    }
}
