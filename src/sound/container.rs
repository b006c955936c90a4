//! Which containers and codecs are taken: what browsers record, and what all of them play.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_FLAC, CODEC_ID_MP3, CODEC_ID_OPUS, CODEC_ID_VORBIS,
};
use symphonia::core::formats::FormatId;
use symphonia::core::formats::well_known::{
    FORMAT_ID_FLAC, FORMAT_ID_ISOMP4, FORMAT_ID_MKV, FORMAT_ID_MP3, FORMAT_ID_OGG, FORMAT_ID_WAVE,
};

/// A container, by the first bytes of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    WebM,
    Ogg,
    Mp4,
    Wave,
    Mp3,
    Flac,
}

impl Container {
    /// By the file's first twelve bytes. A demuxer that searches for its mark would find an MP3 in every picture.
    pub(super) fn of(head: &[u8; 12]) -> Option<Self> {
        match head {
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Some(Self::WebM),
            [b'O', b'g', b'g', b'S', ..] => Some(Self::Ogg),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(Self::Mp4),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E'] => Some(Self::Wave),
            [b'f', b'L', b'a', b'C', ..] => Some(Self::Flac),
            [b'I', b'D', b'3', ..] | [0xff, 0xfa | 0xfb | 0xf2 | 0xf3, ..] => Some(Self::Mp3),
            _ => None,
        }
    }

    /// What the demuxer must find in it.
    pub(super) fn format(self) -> FormatId {
        match self {
            Self::WebM => FORMAT_ID_MKV,
            Self::Ogg => FORMAT_ID_OGG,
            Self::Mp4 => FORMAT_ID_ISOMP4,
            Self::Wave => FORMAT_ID_WAVE,
            Self::Mp3 => FORMAT_ID_MP3,
            Self::Flac => FORMAT_ID_FLAC,
        }
    }

    /// Media type and ending.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::WebM => ("audio/webm", "webm"),
            Self::Ogg => ("audio/ogg", "ogg"),
            Self::Mp4 => ("audio/mp4", "m4a"),
            Self::Wave => ("audio/wav", "wav"),
            Self::Mp3 => ("audio/mpeg", "mp3"),
            Self::Flac => ("audio/flac", "flac"),
        }
    }

    /// Whether browsers play this codec in this container.
    pub(super) fn holds(self, codec: AudioCodecId) -> bool {
        match self {
            Self::WebM => [CODEC_ID_OPUS, CODEC_ID_VORBIS].contains(&codec),
            Self::Ogg => [CODEC_ID_OPUS, CODEC_ID_VORBIS, CODEC_ID_FLAC].contains(&codec),
            Self::Mp4 => [CODEC_ID_AAC, CODEC_ID_OPUS, CODEC_ID_FLAC, CODEC_ID_MP3].contains(&codec),
            // What the decoder knows of PCM, it plays.
            Self::Wave => true,
            Self::Mp3 => codec == CODEC_ID_MP3,
            Self::Flac => codec == CODEC_ID_FLAC,
        }
    }
}
