"""Command line of the training: one step by name, or all of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tools.starter_model import (
    dataset,
    encode,
    evaluate,
    export,
    tokenizer,
    train,
    train_text,
    train_vae,
)
from tools.starter_model.workplace import Workplace

_VAE_SHARE = 0.35
"""Of the minutes given to `all`, what the autoencoder gets; the U-Net gets the rest."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the arguments ask for."""
    options = _parser().parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    work = Workplace(options.work.resolve(), options.threads, options.smoke)
    whole = options.step == "all"
    steps = {
        "dataset": lambda: dataset.run(work),
        "tokenizer": lambda: tokenizer.run(work),
        "train_vae": lambda: train_vae.run(work, options.minutes * (_VAE_SHARE if whole else 1)),
        "train_text": lambda: train_text.run(work),
        "encode": lambda: encode.run(work, options.shards),
        "train": lambda: train.run(work, options.minutes * (1 - _VAE_SHARE if whole else 1)),
        "export": lambda: export.run(work, options.out),
        "evaluate": lambda: evaluate.run(work, options.out),
    }
    for name in steps if whole else [options.step]:
        steps[name]()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools.starter_model",
        description="Train the embedded model. Every step goes on from where it was stopped.",
    )
    names = "dataset tokenizer train_vae train_text encode train export evaluate".split()
    parser.add_argument("step", choices=["all", *names])
    parser.add_argument("--work", type=Path, required=True, help="the work folder")
    parser.add_argument("--minutes", type=float, default=120.0, help="for the training steps")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shards", type=int, default=encode.SHARDS, help="of 512 scenes each")
    parser.add_argument("--out", type=Path, help="the model's folder, by default WORK/model")
    parser.add_argument("--smoke", action="store_true", help="do only enough to prove it runs")
    return parser


if __name__ == "__main__":
    main()
