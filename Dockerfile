# The report, offline: everything that needs a network happens while the image is built.
#
#   docker build --tag transfer-learning .
#   docker run --name report --network none transfer-learning
#   docker cp report:/project/build/report .
#
# The first takes PyTorch's processor wheels, for an image of about 4 GB; for a GPU build with
# --build-arg TORCH_INDEX= and run with --gpus all. No builder was at hand where this was written: it
# was linted, not built.
FROM python:3.11-slim-bookworm

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

# Debian keeps one version of git and make in a release and drops the others: no version is named.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home reader \
    && install --directory --owner 1000 /project
USER 1000
WORKDIR /project

# First what changes seldom, so that a changed notebook does not install PyTorch again.
COPY --chown=1000 Makefile pyproject.toml README.md requirements.txt constraints.txt ./
COPY --chown=1000 helpers/__init__.py helpers/__init__.py
RUN PIP_EXTRA_INDEX_URL="$TORCH_INDEX" PIP_NO_CACHE_DIR=1 make setup

# `make data` fetches texts and weights, each checked by its hash.
COPY --chown=1000 . .
RUN make data

# From here on nothing is fetched.
ENV HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
CMD ["make", "report"]
