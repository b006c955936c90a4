# Voice messages. The keys "js-" are read by the browser.

voice-record = Record a voice message
voice-recorder = Voice message
voice-discard = Discard the recording
voice-pause = Pause
voice-resume = Go on recording
voice-stop = Finish, to listen to it
voice-send = Send the voice message
voice-seek = Position in the voice message
voice-speed = Playback speed:

js-voice-play = Play
js-voice-pause = Pause
js-voice-place = {$at} of {$of}
js-voice-broken = Unreadable
js-voice-label = Voice message
js-voice-asking = The browser asks for the microphone…
js-voice-recording = Recording
js-voice-paused = Recording paused
js-voice-ready = Recording finished: listen to it, then send it
js-voice-denied = The microphone is blocked. Allow it for this site in the browser’s settings, then try again.
js-voice-no-microphone = No microphone was found. Plug one in, then try again.
js-voice-failed = The recording could not start. Another application may be using the microphone.
js-voice-empty = The recording is too short: speak after it has begun.
js-voice-lost = The recording cannot be kept in this browser.

field-voice-missing = No recording was received.
field-voice-not-audio = This file is no voice message: a sound as WebM, Ogg, MP4, WAV, MP3 or FLAC is expected.
field-voice-empty = This recording is empty.
field-voice-long = This recording is longer than { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
  }.
field-voice-long-seconds = This recording is longer than { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
  }.
field-voice-broken = This recording is damaged.
field-voice-laborious = This recording takes too long to check: record it again, or send it as a file.
message-voice = A voice message cannot be edited.
