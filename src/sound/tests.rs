//! Small files of our own making: sines, ramps, silence, pictures in disguise, and what damage does to them.

use super::metered::Limit;
use super::{Listener, PEAKS, Refused, Sound, decode};
use crate::id::UserId;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(300);

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sound").join(name)
}

/// More time than any machine needs.
fn limit() -> Limit {
    Limit::new(Duration::from_secs(600), Arc::default())
}

fn listen(name: &str) -> Result<Sound, Refused> {
    decode::listen(&fixture(name), LONGEST, &limit())
}

fn listen_to(bytes: &[u8], longest: Duration) -> Result<Sound, Refused> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    decode::listen(file.path(), longest, &limit())
}

/// A WAV file of 16-bit samples.
fn wave(rate: u32, channels: u16, samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
    let data: Vec<u8> = samples.into_iter().flat_map(i16::to_le_bytes).collect();
    let size = u32::try_from(data.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((size + 36).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(channels) * 2).to_le_bytes());
    file.extend((channels * 2).to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(size.to_le_bytes());
    file.extend(data);
    file
}

fn peaks(sound: &Sound) -> Vec<u8> {
    assert_eq!(sound.waveform.len(), PEAKS * 2, "{}", sound.waveform);
    (0..PEAKS).map(|at| u8::from_str_radix(&sound.waveform[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

/// Whether it grows from next to nothing to the top: by eighths, since an encoder at few bits a second is a bad mirror.
fn is_ramp(sound: &Sound) -> bool {
    let peaks = peaks(sound);
    let eighths: Vec<u32> =
        peaks.chunks(8).map(|eighth| eighth.iter().copied().map(u32::from).sum::<u32>() / 8).collect();
    eighths.is_sorted_by(|one, next| one < next) && eighths[0] < 40 && eighths[7] > 190 && peaks.contains(&255)
}

#[test]
fn what_browsers_record_has_its_true_length_and_shape() {
    let cases = [
        // Written as a recorder writes: no length in the header.
        ("ramp.webm", "audio/webm", 2_000, 15),
        ("ramp.ogg", "audio/ogg", 2_000, 1),
        ("ramp.mp4", "audio/mp4", 2_000, 50),
        ("ramp_opus.mp4", "audio/mp4", 2_000, 15),
        ("ramp_vorbis.ogg", "audio/ogg", 1_000, 1),
        ("ramp.mp3", "audio/mpeg", 1_000, 60),
    ];
    for (name, media_type, duration, slack) in cases {
        let sound = listen(name).unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        assert_eq!(sound.media_type, media_type, "{name}");
        assert!((sound.duration_ms - duration).abs() <= slack, "{name}: {} ms", sound.duration_ms);
        assert!(is_ramp(&sound), "{name}: {}", sound.waveform);
    }
    let sine = listen("sine.flac").unwrap();
    assert_eq!((sine.media_type, sine.extension, sine.duration_ms), ("audio/flac", "flac", 300));
    assert!(peaks(&sine).iter().all(|peak| *peak > 200), "{}", sine.waveform);
}

/// A browser's own recorder: beeps in mid-silence, transients with sixteen short blocks.
#[test]
fn what_chromium_recorded_is_heard() {
    for (name, media_type, duration) in [("chromium.webm", "audio/webm", 1_380), ("chromium.mp4", "audio/mp4", 1_461)] {
        let sound = listen(name).unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        assert_eq!(sound.media_type, media_type);
        assert!((sound.duration_ms - duration).abs() <= 60, "{name}: {} ms", sound.duration_ms);
        let peaks = peaks(&sound);
        assert!(peaks.contains(&255) && peaks.iter().any(|peak| *peak < 20), "{name}: {}", sound.waveform);
    }
}

#[test]
fn silence_is_a_sound_and_stays_flat() {
    let sound = listen("silence.webm").unwrap();
    assert!((sound.duration_ms - 1_000).abs() <= 15, "{}", sound.duration_ms);
    assert_eq!(sound.waveform, "00".repeat(PEAKS));
    let hiss = listen_to(&wave(48_000, 1, (0..48_000).map(|n| if n % 2 == 0 { 300 } else { -300 })), LONGEST).unwrap();
    assert!(peaks(&hiss).iter().all(|peak| *peak <= 3), "noise of the microphone is not made into speech");
}

#[test]
fn one_loud_moment_stands_where_it_was() {
    for length in [65, 640, 48_000, 480_000, 2_000_000] {
        let sound = listen_to(&wave(8_000, 1, (0..length).map(|n| if n == length / 2 { 32_767 } else { 0 })), LONGEST);
        let peaks = peaks(&sound.unwrap());
        assert_eq!(peaks.iter().filter(|peak| **peak == 255).count(), 1, "{length}");
        let at = peaks.iter().position(|peak| *peak == 255).unwrap();
        assert!(at.abs_diff(PEAKS / 2) <= 1, "{length}: {at}");
    }
    // Fewer moments than peaks: each is drawn wider.
    let short = listen_to(&wave(8_000, 1, (0..16).map(|n| if n == 8 { 32_767 } else { 0 })), LONGEST).unwrap();
    assert_eq!(short.waveform, "00".repeat(32) + "ffffffff" + &"00".repeat(28));
    assert_eq!(short.duration_ms, 2);
}

#[test]
fn the_louder_of_two_channels_counts() {
    let stereo = (0..16_000).flat_map(|n| [0, if n < 8_000 { 0 } else { 20_000 }]);
    let sound = listen_to(&wave(16_000, 2, stereo), LONGEST).unwrap();
    assert_eq!((sound.media_type, sound.duration_ms), ("audio/wav", 1_000));
    assert_eq!(sound.waveform, "00".repeat(32) + &"ff".repeat(32));
}

#[test]
fn the_limit_is_of_what_is_heard() {
    let second = wave(8_000, 1, vec![1_000; 8_000]);
    assert!(listen_to(&second, Duration::from_secs(1)).is_ok());
    assert_eq!(listen_to(&second, Duration::from_millis(999)), Err(Refused::TooLong));
    for name in ["ramp.webm", "ramp.ogg", "ramp.mp4"] {
        assert_eq!(decode::listen(&fixture(name), Duration::from_secs(1), &limit()), Err(Refused::TooLong), "{name}");
    }
}

/// Known ways of getting this wrong, 3: what the name or the header says of a file is not what it is.
#[test]
fn what_is_no_sound_is_refused() {
    for name in ["video.webm", "video.mp4", "video.ogg"] {
        assert_eq!(listen(name), Err(Refused::NotAudio), "{name}: pictures in disguise");
    }
    for bytes in [
        &b""[..],
        b"OggS",
        b"<!doctype html><script>alert(1)</script>",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfb\x90\0",
        b"\x1a\x45\xdf\xa3 and nothing of a film",
        b"ID3\x04\0\0\0\0\0\0 and nothing of a song",
        b"RIFF\x24\0\0\0WAVEfmt ",
    ] {
        assert_eq!(listen_to(bytes, LONGEST), Err(Refused::NotAudio), "{bytes:?}");
    }
    assert_eq!(listen_to(&wave(8_000, 1, []), LONGEST), Err(Refused::Empty));
    assert_eq!(listen_to(&wave(8_000, 1, [7]), LONGEST), Err(Refused::Empty), "less than a millisecond");
    assert_eq!(
        listen_to(&wave(1_000, 1, vec![0; 9_000]), LONGEST),
        Err(Refused::NotAudio),
        "a rate that nobody records"
    );
    assert_eq!(listen_to(&wave(8_000, 3, vec![0; 9_000]), LONGEST), Err(Refused::NotAudio), "three channels");
    assert_eq!(decode::listen(&fixture("nowhere"), LONGEST, &limit()), Err(Refused::Unreadable));
}

#[test]
fn a_recording_that_was_cut_off_is_as_long_as_what_there_is() {
    for name in ["ramp.webm", "ramp.ogg"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let half = listen_to(&bytes[..bytes.len() * 3 / 4], LONGEST).unwrap();
        assert!((500..1_900).contains(&half.duration_ms), "{name}: {}", half.duration_ms);
    }
}

/// Each file cut anywhere, and with bytes replaced anywhere: an answer, and no panic that leaves `listen`.
#[tokio::test]
async fn damage_does_no_harm() {
    let listener = Listener::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound");
    // A small generator with a fixed seed: the same files each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let names = [
        "chromium.webm",
        "ramp.webm",
        "ramp.ogg",
        "ramp.mp4",
        "ramp_opus.mp4",
        "ramp_vorbis.ogg",
        "ramp.mp3",
        "sine.flac",
    ];
    for name in names {
        let whole = std::fs::read(fixture(name)).unwrap();
        for round in 0..60 {
            let mut bytes = whole.clone();
            match round % 3 {
                0 => bytes.truncate(random(bytes.len())),
                1 => (0..=random(20)).for_each(|_| bytes[random(whole.len())] = u8::try_from(random(256)).unwrap()),
                // Headers are where lengths are believed.
                _ => (0..=random(4)).for_each(|_| bytes[random(400)] = [0, 1, 0x7f, 0x80, 0xff][random(5)]),
            }
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(sound) = listener.listen(UserId(1), path.clone(), LONGEST).await.unwrap() {
                assert!((1..=300_000).contains(&sound.duration_ms), "{name}: {sound:?}");
                assert_eq!(sound.waveform.len(), PEAKS * 2);
            }
        }
    }
}
