"""Impulse responses of rooms, and noises, for training audio: everything drawn from a generator, nothing recorded."""

from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 16000
SOUND = 343.0
# Until then reflections are computed one by one; after it they are so dense that noise with their decay is as good.
MIXING_SECONDS = 0.05
OCTAVES = (125, 250, 500, 1000, 2000, 4000, 8000)


@dataclass(frozen=True)
class Room:
    """A box-shaped room; metres and seconds."""

    size: tuple[float, float, float]
    rt60: float
    distance: float


def draw_room(rng: np.random.Generator, rt60: tuple[float, float], distance: tuple[float, float]) -> Room:
    """A room between an office for one and a hall, with a speaker at a distance that fits into it."""
    size = (rng.uniform(3, 10), rng.uniform(2.5, 8), rng.uniform(2.3, 4))
    farthest = min(distance[1], 0.7 * max(size[:2]))
    return Room(size, rng.uniform(*rt60), rng.uniform(distance[0], max(distance[0], farthest)))


def impulse_response(room: Room, rng: np.random.Generator) -> np.ndarray:
    """
    Impulse response from speaker to microphone; the direct sound is the first sample and 1.

    Early reflections by the image method (Allen and Berkley 1979), images displaced a little against the sweeping
    echoes of perfect boxes (De Sena et al. 2015); the tail as noise that decays exponentially (Polack 1988), faster at
    high frequencies, with the power at which the images of the box arrive. So the ratio of direct to reverberant sound
    follows from distance, volume and reverberation time.
    """
    length = int((MIXING_SECONDS + room.rt60) * SAMPLE_RATE)
    response = np.zeros(length + 1)
    for delay, gain in zip(*_images(room, rng), strict=True):
        # Between two samples a reflection is shared by both.
        whole, part = int(delay), delay % 1
        if whole < length:
            response[whole] += gain * (1 - part)
            response[whole + 1] += gain * part
    response[:length] += _tail(room, length, rng)
    response[0] = 1.0
    return response.astype(np.float32)


def _images(room: Room, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Delays after the direct sound, in samples, and gains relative to it."""
    size = np.array(room.size)
    volume, surface = size.prod(), 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    # Eyring's formula, solved for the share of energy that walls reflect.
    reflected = np.exp(-0.161 * volume / (surface * room.rt60))
    microphone = size * rng.uniform(0.2, 0.8, 3)
    direction = rng.standard_normal(3) * (1, 1, 0.3)
    speaker = microphone + direction / np.linalg.norm(direction) * room.distance
    # A speaker outside would have walls between: move the pair inwards instead.
    shift = np.clip(speaker, 0.1, size - 0.1) - speaker
    microphone = np.clip(microphone + shift, 0.1, size - 0.1)
    speaker = speaker + shift
    direct = max(0.1, float(np.linalg.norm(speaker - microphone)))
    reach = direct + MIXING_SECONDS * SOUND
    orders = [np.arange(-n, n + 1) for n in np.ceil(reach / (2 * size)).astype(int) + 1]
    grid = np.stack(np.meshgrid(*orders, indexing="ij"), -1).reshape(-1, 3)
    found = []
    for mirrored in np.ndindex(2, 2, 2):
        sign = 1 - 2 * np.array(mirrored)
        place = sign * speaker + 2 * grid * size
        bounces = np.abs(grid - np.array(mirrored)).sum(1) + np.abs(grid).sum(1)
        place = place + rng.uniform(-0.08, 0.08, place.shape) * (bounces > 0)[:, None]
        found.append(np.column_stack([np.linalg.norm(place - microphone, axis=1), bounces]))
    distance, bounces = np.concatenate(found).T
    near = (distance < reach) & (bounces > 0)
    distance, bounces = distance[near], bounces[near]
    delay = np.maximum(distance - direct, 0) / SOUND * SAMPLE_RATE
    return delay, reflected ** (bounces / 2) * direct / np.maximum(distance, direct)


def _tail(room: Room, length: int, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(length) / SAMPLE_RATE
    # Images arrive 4 pi c^3 t^2 / V a second, each with the power (d / ct)^2.
    density = 4 * np.pi * SOUND * room.distance**2 / (float(np.prod(room.size)) * SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    # Air and furniture take high frequencies away sooner.
    times = room.rt60 * np.interp(range(len(OCTAVES)), (0, 3, 6), (rng.uniform(0.9, 1.3), 1.0, rng.uniform(0.45, 0.8)))
    edges = np.sqrt(np.array(OCTAVES[:-1]) * np.array(OCTAVES[1:]))
    band = np.searchsorted(edges, frequency)
    tail = np.zeros(length)
    for n, decay in enumerate(times):
        tail += np.fft.irfft(np.where(band == n, spectrum, 0), length) * np.exp(-6.91 * time / decay)
    return tail * np.sqrt(density) * (time >= MIXING_SECONDS)


def reverberate(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Samples heard through an impulse response, as long as they were."""
    size = 1 << (len(samples) + len(response) - 2).bit_length()
    product = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(product, size)[: len(samples)].astype(np.float32)


def active_level(samples: np.ndarray) -> float:
    """Root mean square of the part that is not pause: frames of 20 ms within 25 dB of the loud ones."""
    if len(samples) < 320:
        return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
    power = np.square(samples[: len(samples) // 320 * 320].reshape(-1, 320)).mean(1)
    return float(np.sqrt(power[power >= np.percentile(power, 95) * 10**-2.5].mean()))


def add_noise(samples: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Noise under speech, `snr_db` below the level of its active part."""
    level = float(np.sqrt(np.mean(np.square(noise))))
    if level < 1e-9:
        return samples
    return (samples + noise * (active_level(samples) / level * 10 ** (-snr_db / 20))).astype(np.float32)


def coloured(length: int, rng: np.random.Generator) -> np.ndarray:
    """Stationary noise between white and brown, with a wavy spectrum."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    place = np.linspace(0, 1, len(spectrum))
    waves = np.interp(place, np.linspace(0, 1, 7), rng.normal(0, 4, 7))
    slope = rng.uniform(0, 2)
    return np.fft.irfft(spectrum * 10 ** (waves / 20) / np.maximum(8, np.arange(len(spectrum))) ** (slope / 2), length)


def machine(length: int, rng: np.random.Generator) -> np.ndarray:
    """A fan, a fridge, an air conditioner: harmonics of the mains or of a motor over a breathing rumble."""
    time = np.arange(length) / SAMPLE_RATE
    base = rng.choice([50.0, 60.0, rng.uniform(20, 180)])
    hum = np.zeros(length)
    for n in range(1, 13):
        hum += rng.uniform(0, 1) / n * np.sin(2 * np.pi * (base * n * time + rng.uniform()))
    bed = coloured(length, rng)
    breath = 1 + rng.uniform(0, 0.5) * np.sin(2 * np.pi * (rng.uniform(0.1, 2) * time + rng.uniform()))
    return hum / hum.std() * rng.uniform(0, 1) + bed / bed.std() * breath


def clicks(length: int, rng: np.random.Generator) -> np.ndarray:
    """Keys, taps, cutlery: short ringing bursts over a quiet bed."""
    noise = coloured(length, rng)
    noise *= 0.1 / noise.std()
    for _ in range(rng.poisson(length / SAMPLE_RATE * rng.uniform(1, 8)) + 1):
        ring = int(rng.uniform(0.004, 0.08) * SAMPLE_RATE)
        start = int(rng.integers(0, length))
        time = np.arange(min(ring, length - start)) / SAMPLE_RATE
        burst = rng.standard_normal(len(time)) * 0.5 + np.sin(2 * np.pi * rng.uniform(300, 6000) * time)
        noise[start : start + len(time)] += burst * np.exp(-6.91 * time / (ring / SAMPLE_RATE)) * rng.uniform(0.2, 2)
    return noise


def tones(length: int, rng: np.random.Generator) -> np.ndarray:
    """Music of a sort: plucked chords on a scale."""
    noise, at = np.zeros(length), 0
    root, beat = rng.uniform(80, 300), rng.uniform(0.15, 0.6)
    while at < length:
        time = np.arange(min(length - at, int(1.5 * SAMPLE_RATE))) / SAMPLE_RATE
        for step in rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 16], rng.integers(1, 4), replace=False):
            pitch = root * 2 ** (step / 12)
            note = sum(np.sin(2 * np.pi * pitch * k * time) / k ** rng.uniform(1, 2) for k in range(1, 7))
            noise[at : at + len(time)] += note * np.exp(-time * rng.uniform(2, 6)) * rng.uniform(0.3, 1)
        at += max(800, int(beat * rng.choice([1, 1, 2]) * SAMPLE_RATE))
    return noise


SCALE = (0, 2, 4, 5, 7, 9, 11)


def _note(length: int, pitch: float, rng: np.random.Generator, attack: float, decay: float) -> np.ndarray:
    """A note of an instrument drawn anew: harmonics that fall off, vibrato, a slow or a quick beginning."""
    time = np.arange(length) / SAMPLE_RATE
    wobble = rng.uniform(0, 0.006) * np.sin(2 * np.pi * rng.uniform(4, 7) * time) / 5
    phase = 2 * np.pi * pitch * (time + wobble)
    falling = rng.uniform(0.7, 2)
    harmonics = [k for k in range(1, 13) if pitch * k < 0.45 * SAMPLE_RATE]
    note = sum(np.sin(k * phase + rng.uniform(0, 6.28)) / k**falling for k in harmonics)
    return note * np.minimum(1, time / attack) * np.exp(-time * decay)


def _drum(rng: np.random.Generator, kind: str) -> np.ndarray:
    time = np.arange(int(0.2 * SAMPLE_RATE)) / SAMPLE_RATE
    if kind == "kick":
        return np.sin(2 * np.pi * 55 * (time + 0.04 * (1 - np.exp(-time * 30)))) * np.exp(-time * 18)
    hiss = rng.standard_normal(len(time)) * np.exp(-time * (25 if kind == "snare" else 70))
    # Differences let the high part pass: cymbals.
    return hiss if kind == "snare" else np.diff(hiss, prepend=0)


def song(length: int, rng: np.random.Generator) -> np.ndarray:
    """A band: held chords, a bass, a melody that wanders over a scale, drums; every part as loud as it happens to be."""
    beat = int(60 / rng.uniform(65, 150) * SAMPLE_RATE)
    root = rng.uniform(90, 180)
    levels = {part: rng.uniform(0, 1) * (rng.random() < 0.8) for part in ("chords", "bass", "melody", "drums")}
    levels["chords" if rng.random() < 0.5 else "melody"] += 0.3
    sound = np.zeros(length + 8 * beat)
    attack, decay = 10 ** rng.uniform(-2.5, -0.8), rng.uniform(0.2, 4)
    place = int(rng.integers(0, 7))

    def pitch(step: int) -> float:
        return root * 2 ** ((12 * (step // 7) + SCALE[step % 7]) / 12)

    def add(at: int, sounds: np.ndarray, level: float) -> None:
        sound[at : at + len(sounds)] += level * sounds[: len(sound) - at]

    for bar in range(0, length, 4 * beat):
        chord = int(rng.choice([0, 3, 4, 5, 1]))
        for step in (0, 2, 4):
            add(bar, _note(4 * beat, pitch(chord + step), rng, attack, decay), levels["chords"] / 2)
        for n in range(8):
            at = bar + n * beat // 2
            if n % 2 == 0:
                add(at, _note(beat, pitch(chord) / 2, rng, 0.01, 3), levels["bass"])
                add(at, _drum(rng, "kick" if n % 4 == 0 else "snare"), 2 * levels["drums"])
            add(at, _drum(rng, "cymbal"), levels["drums"])
            if rng.random() < 0.7:
                place = int(np.clip(place + rng.integers(-2, 3), 0, 14))
                add(at, _note(int(beat * rng.choice([0.5, 1, 2])), pitch(place + 7), rng, attack / 2, decay),
                    levels["melody"])
    return sound[:length]


NOISES = {"coloured": coloured, "machine": machine, "clicks": clicks, "tones": tones, "song": song}


def babble(length: int, voices: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Several people at once: every voice at a level of its own, repeated from a random place."""
    total = np.zeros(length)
    for voice in voices:
        repeated = np.resize(np.roll(voice, int(rng.integers(0, max(1, len(voice))))), length)
        total += repeated / max(1e-6, active_level(voice)) * 10 ** (rng.uniform(-6, 6) / 20)
    return total
