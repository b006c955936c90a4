//! Sounds and pictures that cost the server much more than their bytes.

use super::Context;
use crate::media;
use crate::person::Request;
use bytes::Bytes;
use std::sync::Arc;

/// Sides of a picture of 50 megapixels, just below what is opened, and of one of 49.
const SIDES: (u32, u32) = (8_160, 6_120);
const SIDES_WEBP: (u32, u32) = (7_000, 7_000);

/// Two recordings of 9 MB at once.
pub(super) async fn mp4(context: &Arc<Context>) {
    let file = media::slow_mp4(context.options.scaled(1_000_000));
    upload(context, "/send-voice", "voice", vec![file], (2, None)).await;
}

/// Recordings of 15 MB, one after the other.
pub(super) async fn flac(context: &Arc<Context>) {
    let file = media::wordy_flac(context.options.scaled(2_500_000));
    upload(context, "/send-voice", "voice", vec![file], (1, Some(4))).await;
}

/// Four messages at once, ten pictures each.
pub(super) async fn pictures(context: &Arc<Context>) {
    let (width, height) = sides(context, SIDES);
    let picture = media::turned_jpeg(width, height);
    upload(context, "", "attachment", vec![picture; 10], (4, Some(4))).await;
}

/// One small file after the other, two at a time.
pub(super) async fn webp(context: &Arc<Context>) {
    let (width, height) = sides(context, SIDES_WEBP);
    upload(context, "", "attachment", vec![media::turned_webp(width, height)], (2, None)).await;
}

fn sides(context: &Context, (width, height): (u32, u32)) -> (u32, u32) {
    (context.options.scaled(width), context.options.scaled(height))
}

/// Posts the same files under new nonces: on so many connections, so many times in all.
pub(super) async fn upload(
    context: &Arc<Context>,
    below: &'static str,
    field: &'static str,
    files: Vec<Bytes>,
    (connections, total): (u32, Option<u32>),
) {
    let files: Arc<[Bytes]> = files.into();
    context
        .repeat(connections, total, move |context, _| {
            let request = Request::files(context.goal.path(below), field, &files);
            async move { context.attacker.ask(&request).await }
        })
        .await;
}
