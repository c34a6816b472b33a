"""Schematic drawings, made by code: a canvas with its primitives, and one module a theme."""
