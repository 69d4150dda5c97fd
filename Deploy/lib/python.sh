# shellcheck shell=bash
# The Python environment of tests and benchmarks. To be sourced.

# shellcheck source=Deploy/lib/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

# python_environment: makes .tools/python with what requirements.txt names, unless it is there, and
# sets PYTHON to its interpreter. Nothing is installed outside of it (PEP 668).
python_environment() {
  local folder=$PROJECT_ROOT/.tools/python requirements=$PROJECT_ROOT/Deploy/lib/requirements.txt
  PYTHON=$folder/bin/python
  export PYTHON
  cmp -s "$requirements" "$folder/requirements.txt" && return
  install_packages python3 python3-venv
  say "installing Python tools into .tools/python: $(grep -v '^#' "$requirements" | tr '\n' ' ')"
  rm -rf "$folder"
  python3 -m venv "$folder" || die "python3 cannot make a virtual environment"
  "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$requirements" ||
    die "the Python tools could not be installed"
  cp "$requirements" "$folder/requirements.txt"
}
