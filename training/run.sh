#!/bin/sh
# Trains, exports and evaluates both models: training/run.sh ROWS. See training/README.md.
set -eu
rows=$(realpath "${1:?rows written by conceptcaps export}")
cd "$(dirname "$0")"
lists=${LISTS:+--lists $(realpath "$LISTS")}
authors=${AUTHORS:+--authors $(realpath "$AUTHORS")}
# shellcheck disable=SC2086 # options, where there are any
python -m attribute_vae.train "$rows" $lists
python -m attribute_vae.export
# shellcheck disable=SC2086
python -m attribute_vae.evaluate "$rows" $lists $authors
python -m captioner.train "$rows"
python -m captioner.export
python -m captioner.evaluate "$rows"
python -m parity
