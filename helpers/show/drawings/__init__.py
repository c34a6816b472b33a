"""Schematic drawings, made by code: a canvas with its primitives, and one module a theme."""

from helpers.show.drawings import attention, canvas, heads, rows, splits, training
