//! Container, packets, samples: one file from its first to its last sample, or to the limit.

use super::container::Container;
use super::metered::{Limit, Over};
use super::peaks::Peaks;
use super::{Refused, Sound};
use opus_decoder::OpusDecoder;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::Path;
use std::time::Duration;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit as Most;
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::default::{get_codecs, get_probe};

/// The rate at which Opus is decoded, and in which it counts, in frames a second (RFC 7845, 4.2).
const OPUS_RATE: u32 = 48_000;
/// The longest Opus packet, 120 ms, in frames.
const OPUS_PACKET: usize = 5_760;
/// Rates that are taken: a few bytes of a lossless file can claim hours of samples at a rate that nobody hears.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=96_000;
/// Channels that are taken.
const CHANNELS: usize = 2;
/// So many more damaged packets than good ones, and nothing will come of it: a second's worth and more.
const BAD_MAX: u64 = 100;
/// Bytes of a tag or a picture beside the sound.
const TAG_MAX: usize = 4_096;

/// Decodes a file, within limits.
pub(super) fn listen(path: &Path, longest: Duration, limit: &Limit) -> Result<Sound, Refused> {
    // Whatever the decoder made of a file that ended early: that it had to is the reason.
    decode(path, longest, limit).map_err(|refused| match limit.over() {
        Some(Over::Stop) => Refused::Stopping,
        Some(Over::Labour) => Refused::Laborious,
        None => refused,
    })
}

fn decode(path: &Path, longest: Duration, limit: &Limit) -> Result<Sound, Refused> {
    let mut file = File::open(path).map_err(|_| Refused::Unreadable)?;
    let mut head = [0; 12];
    match file.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(Refused::NotAudio),
        Err(_) => return Err(Refused::Unreadable),
    }
    let container = Container::of(&head).ok_or(Refused::NotAudio)?;
    file.rewind().map_err(|_| Refused::Unreadable)?;
    let stream = MediaSourceStream::new(Box::new(limit.file(file)), Default::default());
    let mut format =
        get_probe().probe(&Hint::new(), stream, FormatOptions::default(), metadata()).map_err(|_| Refused::NotAudio)?;
    let (track, mut decoder) = only_track(&*format, container)?;
    let mut heard = Heard::new(longest);
    while let Some(packet) = next(&mut *format)? {
        if limit.over().is_some() {
            return Err(Refused::Laborious);
        }
        limit.next_packet();
        if packet.track_id != track {
            return Err(Refused::NotAudio);
        }
        decoder.hear(&packet, &mut heard)?;
        if heard.bad > heard.good + BAD_MAX {
            return Err(Refused::Broken);
        }
    }
    heard.finish(container)
}

/// Nobody looks at what is written about a recording.
fn metadata() -> MetadataOptions {
    MetadataOptions::default().limit_tag_bytes(Most::Maximum(TAG_MAX)).limit_visual_bytes(Most::Maximum(TAG_MAX))
}

/// The one track of a file that holds nothing but a sound, and what decodes it.
fn only_track(format: &dyn FormatReader, container: Container) -> Result<(u32, Decoder), Refused> {
    let [track] = format.tracks() else { return Err(Refused::NotAudio) };
    let params = track.codec_params.as_ref().and_then(|params| params.audio()).ok_or(Refused::NotAudio)?;
    if format.format_info().format != container.format() || !container.holds(params.codec) {
        return Err(Refused::NotAudio);
    }
    Ok((track.id, Decoder::new(params, container)?))
}

/// The next packet; none at the end, which a recording that was cut off reaches early.
fn next(format: &mut dyn FormatReader) -> Result<Option<Packet>, Refused> {
    match format.next_packet() {
        Ok(packet) => Ok(packet),
        Err(Fault::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(_) => Err(Refused::Broken),
    }
}

/// What was heard so far.
struct Heard {
    longest: Duration,
    peaks: Peaks,
    rate: u32,
    frames: u64,
    limit: u64,
    good: u64,
    bad: u64,
}

impl Heard {
    fn new(longest: Duration) -> Self {
        Self { longest, peaks: Peaks::new(), rate: 0, frames: 0, limit: 0, good: 0, bad: 0 }
    }

    /// A packet's samples, channel by channel within each frame.
    fn add(&mut self, samples: &[f32], channels: usize, rate: u32) -> Result<(), Refused> {
        if self.rate == 0 {
            self.limit =
                u64::try_from(self.longest.as_millis()).unwrap_or(u64::MAX).saturating_mul(rate.into()) / 1_000;
            self.rate = rate;
        }
        if !RATES.contains(&rate) || !(1..=CHANNELS).contains(&channels) {
            return Err(Refused::NotAudio);
        }
        if self.rate != rate {
            return Err(Refused::Broken);
        }
        self.good += 1;
        self.frames += (samples.len() / channels) as u64;
        if self.frames > self.limit {
            return Err(Refused::TooLong);
        }
        for frame in samples.chunks_exact(channels) {
            self.peaks.add(frame.iter().copied().map(f32::abs).fold(0.0, f32::max));
        }
        Ok(())
    }

    fn finish(self, container: Container) -> Result<Sound, Refused> {
        if self.bad > self.good {
            return Err(Refused::Broken);
        }
        let duration_ms = self.frames.saturating_mul(1_000).checked_div(self.rate.into()).unwrap_or(0);
        if duration_ms == 0 {
            return Err(Refused::Empty);
        }
        let (media_type, extension) = container.names();
        let duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX);
        Ok(Sound { media_type, extension, duration_ms, waveform: self.peaks.finish() })
    }
}

/// From packets to samples.
enum Decoder {
    Opus(Box<Opus>),
    Other { decoder: Box<dyn AudioDecoder>, samples: Vec<f32> },
}

struct Opus {
    decoder: OpusDecoder,
    channels: usize,
    samples: Vec<f32>,
    /// Frames at the beginning that are not heard.
    pre_skip: usize,
    /// Whether the container says what is cut off at the end.
    is_trimmed: bool,
}

impl Decoder {
    fn new(params: &AudioCodecParameters, container: Container) -> Result<Self, Refused> {
        if params.codec == CODEC_ID_OPUS {
            return Opus::new(params, container).map(|opus| Self::Opus(Box::new(opus)));
        }
        let decoder = get_codecs().make_audio_decoder(params, &AudioDecoderOptions::default());
        Ok(Self::Other { decoder: decoder.map_err(|_| Refused::NotAudio)?, samples: Vec::new() })
    }

    /// Decodes a packet. A damaged one is counted, and left out.
    fn hear(&mut self, packet: &Packet, heard: &mut Heard) -> Result<(), Refused> {
        match self {
            Self::Opus(opus) => opus.hear(packet, heard),
            Self::Other { decoder, samples } => match decoder.decode(packet) {
                Ok(sound) => {
                    sound.copy_to_vec_interleaved(samples);
                    heard.add(samples, sound.num_planes(), sound.spec().rate())
                }
                Err(Fault::DecodeError(_) | Fault::IoError(_)) => {
                    heard.bad += 1;
                    Ok(())
                }
                Err(_) => Err(Refused::Broken),
            },
        }
    }
}

impl Opus {
    /// From the identification header (RFC 7845, 5.1); MP4 keeps the same fields the other way round.
    fn new(params: &AudioCodecParameters, container: Container) -> Result<Self, Refused> {
        let head = params.extra_data.as_deref().unwrap_or_default();
        let (Some(channels), Some(&[low, high])) = (head.get(9), head.get(10..12)) else { return Err(Refused::Broken) };
        let pre_skip = match container {
            Container::Mp4 => u16::from_be_bytes([low, high]),
            Container::WebM | Container::Ogg | Container::Wave | Container::Mp3 | Container::Flac => {
                u16::from_le_bytes([low, high])
            }
        };
        let channels = usize::from(*channels);
        let decoder = OpusDecoder::new(OPUS_RATE, channels).map_err(|_| Refused::NotAudio)?;
        let samples = vec![0.0; OPUS_PACKET * channels];
        Ok(Self { decoder, channels, samples, pre_skip: pre_skip.into(), is_trimmed: container == Container::Ogg })
    }

    fn hear(&mut self, packet: &Packet, heard: &mut Heard) -> Result<(), Refused> {
        // To the decoder an empty packet is a lost one, which it would make up.
        if packet.data.is_empty() {
            heard.bad += 1;
            return Ok(());
        }
        let Ok(frames) = self.decoder.decode_float(&packet.data, &mut self.samples, false) else {
            heard.bad += 1;
            return Ok(());
        };
        let skipped = self.pre_skip.min(frames);
        self.pre_skip -= skipped;
        let cut = if self.is_trimmed { usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX) } else { 0 };
        let end = frames.saturating_sub(cut).max(skipped);
        let samples = self.samples.get(skipped * self.channels..end * self.channels).unwrap_or_default();
        heard.add(samples, self.channels, OPUS_RATE)
    }
}
