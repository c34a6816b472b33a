"""Trials: each one model made and scored once, kept, and read by every analysis.

``study -> trials -> outcomes -> store``. What runs a trial needs torch, transformers and numpy
alone; finding the texts and weights that it reads is :mod:`helpers.trials.inputs`.
"""
