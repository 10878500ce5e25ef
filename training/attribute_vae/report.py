"""docs/attribute-vae.md from model.json: words and tables, no measuring."""

from __future__ import annotations

from typing import Any


def markdown(card: dict[str, Any]) -> str:
    evaluation, plausibility = card["evaluation"], card["plausibility"]
    return "\n".join(
        [
            "# How well the attribute VAE models the data",
            "",
            "Written by `python -m attribute_vae.evaluate` ([training](../training/README.md)). The model is described in",
            "[its card](../models/attribute-vae/README.md), all figures are in `models/attribute-vae/model.json`.",
            "",
            f"Held out are the {evaluation['heldOutRows']:,} rows of the validation and test splits; no row that shares an id with one of",
            "them was trained on. They are themselves distilled: the published rows were made with the authors' model, and how",
            "is not known in detail, so this says who is near the published rows, not who knows more of music. The authors' model",
            "was trained on other data, for which this is no test of its own.",
            "",
            "## Samples",
            "",
            "Rows with fewer than 3 attributes are drawn again, because no published row has fewer; `kept` is the share that was",
            "not. A model's attributes are drawn by their probabilities, from latents of the standard normal prior, unless the name",
            "says that they are those above 0.5; as served, the likeliest go first and nothing that contradicts is let in. `latents of training rows` gives the authors' model the aggregated posterior, the",
            "most favourable latents there are. Nowhere else was a contradiction filtered out.",
            "",
            *_sample_table(evaluation),
            "",
            f"Frequency: correlation of the 200 attribute frequencies with the held-out ones, and mean error in points. PMI: correlation,",
            f"and root mean square error in nats, over the {evaluation['comparedPairs']:,} pairs that independence would put on 5 held-out rows or more. Length: total",
            "variation between the distributions of the number of attributes. Training rows are drawn with replacement.",
            "",
            "## Held-out rows",
            "",
            f"The {evaluation['unseenRows']:,} held-out rows whose whole combination is in no row that was trained on.",
            "",
            *_row_table(evaluation),
            "",
            "Reconstruction is at the posterior mean, F1 at 0.5. A model can reconstruct better by a posterior far from its prior;",
            "the negative ELBO, a bound of what a row costs, counts both. Completion: half of a row's attributes hidden, recall among",
            "as many of the model's first.",
            "",
            "## Plausibility",
            "",
            f"How much better the attributes of a combination go together than by chance: {plausibility['score']}.",
            "The service gives it as the share of real combinations of the same number of attributes, taken from these held-out",
            "rows, that go together no better. AUC: the probability that a real combination scores higher than an implausible one",
            "of as many attributes, for whole rows and for parts of rows, which is what people ask for.",
            "",
            *_auc_table(card),
            "",
        ]
    )


def _sample_table(evaluation: dict[str, Any]) -> list[str]:
    header = ["", "frequency", "error", "PMI", "error", "contradictory", "distinct", "attributes", "length", "kept"]
    rows = [
        [
            name,
            f"{m['frequencyCorrelation']:.3f}",
            f"{m['frequencyErrorPoints']:.2f}",
            f"{m['pmiCorrelation']:.3f}",
            f"{m['pmiError']:.2f}",
            f"{m['contradictory']:.1%}",
            f"{m['distinct']:,.0f} of {m['samples']:,.0f}",
            f"{m['meanAttributes']:.2f}",
            f"{m['countDistance']:.3f}",
            f"{m['kept']:.0%}",
        ]
        for name, m in evaluation["samples"].items()
    ]
    held_out = ["held-out rows", "", "", "", "", f"{evaluation['heldOutContradictory']:.1%}", "", f"{evaluation['heldOutMeanAttributes']:.2f}", "", ""]
    return table(header, [held_out, *rows])


def _row_table(evaluation: dict[str, Any]) -> list[str]:
    header = ["", "reconstruction, nats a row", "nats an attribute", "F1", "divergence", "negative ELBO", "completion"]
    return table(
        header,
        [
            [
                name,
                f"{m['reconstruction']:.2f}",
                f"{m['reconstructionPerCell']:.4f}",
                f"{m['f1']:.3f}",
                f"{m['divergence']:.2f}",
                f"{m['negativeElbo']:.2f}",
                f"{m['completionRecall']:.3f}",
            ]
            for name, m in evaluation["rows"].items()
        ],
    )


def _auc_table(card: dict[str, Any]) -> list[str]:
    evaluation = card["evaluation"]
    cases = [(judge, name) for judge, found in evaluation["auc"].items() for name in found]
    rows = [
        [text, *(f"{evaluation['auc'][judge][name][kind]:.3f}" for judge, name in cases)]
        for kind, text in evaluation["distractors"].items()
    ]
    return table(["against", *(f"{judge}, {name}" for judge, name in cases)], rows)


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table with aligned columns."""
    widths = [max(3, *(len(row[column]) for row in [header, *rows])) for column in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in [header, *rows]]
    return [lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]]
