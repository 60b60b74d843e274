#!/usr/bin/env bash
# Writes python/eventlens/_core.pyi anew from the built module; or another file, when one is named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=${1:-python/eventlens/_core.pyi}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/pybind11-stubgen eventlens._core --output-dir "$scratch" --numpy-array-use-type-var >/dev/null
sed -i 's/os\.PathLike\b/os.PathLike[str]/g' "$scratch/eventlens/_core.pyi"
.venv/bin/ruff format --quiet --config pyproject.toml "$scratch/eventlens/_core.pyi"
cp "$scratch/eventlens/_core.pyi" "$target"
