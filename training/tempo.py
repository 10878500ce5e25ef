"""The tempo of clips by Essentia's beat tracker (RhythmExtractor2013, "multifeature": Zapata et al. 2014).

Reads paths as a JSON list from standard input and writes beats a minute, in the same order, to standard output. Needs
nothing but requirements-tempo.txt.
"""

import json
import sys
from multiprocessing import Pool

import essentia
import essentia.standard as es

essentia.log.infoActive = False
essentia.log.warningActive = False

# What the tracker wants; files of other rates are converted.
RATE = 44100


def tempo(path: str) -> float:
    samples = es.MonoLoader(filename=path, sampleRate=RATE)()
    beats_per_minute, *_ = es.RhythmExtractor2013(method="multifeature")(samples)
    return float(beats_per_minute)


def main() -> None:
    with Pool() as pool:
        json.dump(pool.map(tempo, json.load(sys.stdin), chunksize=1), sys.stdout)


if __name__ == "__main__":
    main()
