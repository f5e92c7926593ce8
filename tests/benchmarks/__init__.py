"""Speed and memory, each as one JSON line with a ratio against a baseline of the same run.

python -m tests.benchmarks [NAME ...]      all, or those whose file is named
python -m tests.benchmarks --keep          and keep today's ratios for this kind of processor
"""
