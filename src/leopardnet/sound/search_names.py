"""What searches sound tracks, with versions, known without loading it."""

TONAL = "tonal 3"  # `tonal_calls`; another version finds other calls
VOICE = "silero-vad 6.2"  # `voice`
VOICE_KIND = "voice"
