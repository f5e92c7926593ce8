"""What a checkpoint in a single file does not say of itself: configurations and CLIP's vocabulary.

Both lie in resources/configs and are written by these programs, so that a person can see where
every number comes from:

    python -m tools.single_files resources/configs [--vocabulary bpe_simple_vocab_16e6.txt.gz]
"""
