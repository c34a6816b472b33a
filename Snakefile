# Every notebook of a profile, or one notebook over a grid of parameters, and the report.
#
#   python -m helpers pipeline --profile quick        the usual door: it checks everything first
#   snakemake --cores all --config profile=full       plain snakemake works too
#   snakemake --cores all --config grid=my_grid.yaml
#
# What a run depends on is worked out from the code: the notebook, the helpers that it imports,
# directly or not, the data that they name, its parameters. Nothing is listed here by hand.
# What differs between machines (the interpreter) is kept out of `params`: it would rerun all.

import json
import os
import sys
from pathlib import Path

from helpers import ROOT
from helpers.runs.dependencies import dependencies, module_dependencies, named_inputs
from helpers.runs.plan import plan

PROFILE = config.get("profile", "quick")
GRID = config.get("grid")
RUNS = {(run.name, run.digest): run for run in plan(PROFILE, GRID)}
INPUTS = {path.stem: dependencies(path) for path in {run.notebook for run in RUNS.values()}}
TWO_DAYS = 2880


def of(wildcards):
    return RUNS[wildcards.name, wildcards.digest]


def minutes(wildcards):
    return of(wildcards).minutes or TWO_DAYS


def local(paths):
    return [os.path.relpath(path, ROOT) for path in paths]


wildcard_constraints:
    name="[^/]+",
    digest="[0-9a-f]{12}",


localrules: report, runs,


rule report:
    input:
        notebooks=[local([run.file(".ipynb")])[0] for run in RUNS.values()],
        records=[local([run.file(".json")])[0] for run in RUNS.values()],
        code=local(module_dependencies("helpers.report.book")),
    output:
        # update: the old report stays until the new one, whole, takes its place; without it
        # snakemake deletes the index first, and the book takes what is left for a foreign folder
        update("build/report/index.html"),
    params:
        choice=["--grid", str(GRID)] if GRID else ["--profile", PROFILE],
    shell:
        "exec {sys.executable:q} -m helpers report --job {params.choice:q}"


rule runs:
    # what `python -m helpers sweep` asks for: no report of a thousand pages
    input:
        [local([run.file(".json")])[0] for run in RUNS.values()],


rule run:
    input:
        lambda wildcards: local(
            [*INPUTS[wildcards.name], *named_inputs(of(wildcards).values), *of(wildcards).reads]
        ),
    output:
        notebook="build/runs/{name}/{digest}.ipynb",
        record="build/runs/{name}/{digest}.json",
    log:
        "build/runs/{name}/{digest}.log",
    benchmark:
        "build/runs/{name}/{digest}.tsv"
    params:
        notebook=lambda wildcards: local([of(wildcards).notebook])[0],
        values=lambda wildcards: json.dumps(of(wildcards).given, sort_keys=True),
    threads: 1
    resources:
        # `run` keeps to the seconds itself; a cluster is told the minutes
        seconds=lambda wildcards: round(60 * minutes(wildcards)),
        runtime=lambda wildcards: 1 + int(minutes(wildcards)),
        gpu=lambda wildcards: of(wildcards).gpus or None,  # none, not 0 of them
    shell:
        "exec {sys.executable:q} -m helpers run {params.notebook:q} "
        "--job {log:q} --seconds {resources.seconds} --values {params.values:q}"
