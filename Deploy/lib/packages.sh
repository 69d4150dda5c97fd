# shellcheck shell=bash
# What the project's scripts share: messages, Debian packages, the Swift compiler, the build. To be
# sourced; PROJECT_ROOT is the project's folder from then on.

PROJECT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# The oldest Swift that builds the package.
SWIFT_MAJOR=6
SWIFT_MINOR=2

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

# as_root COMMAND...: runs a command as root, by sudo if need be.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    die "root is needed for: $* (there is no sudo either)"
  fi
}

# install_packages PACKAGE...: installs those Debian packages that are missing, and says so.
install_packages() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null 2>&1; then
    say "not a Debian system: install what corresponds to these packages: $*"
    return 0
  fi
  for package in "$@"; do
    if ! dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
      missing+=("$package")
    fi
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing Debian packages: ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300)
  # The package lists may be absent or older than the archive: the second try is with fresh ones.
  if ! as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
    as_root "${apt[@]}" update >&2 || say "apt-get update failed; trying with the lists there are"
    as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" >&2 ||
      die "these packages could not be installed: ${missing[*]}"
  fi
}

# install_build_packages: the C libraries that the services link, and what the build needs besides.
install_build_packages() {
  install_packages git pkg-config ca-certificates tzdata \
    libssl-dev libnghttp2-dev libprotobuf-c-dev libsqlite3-dev libpq-dev libargon2-dev zlib1g-dev \
    libjansson-dev
}

# install_test_packages: what the tests need on top of that. They start PostgreSQL by themselves, in
# a temporary folder: its system service need not run.
install_test_packages() {
  install_packages protobuf-compiler protobuf-c-compiler shellcheck python3 python3-venv postgresql \
    openssl
}

# install_interop_packages: what the C++ peer of the interoperability tests is compiled with.
install_interop_packages() {
  install_packages g++ libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
}

# require_swift: ends the script unless a Swift that is new enough is on the PATH.
require_swift() {
  local version major minor
  command -v swift >/dev/null 2>&1 || die "there is no swift on the PATH." \
    "Install Swift $SWIFT_MAJOR.$SWIFT_MINOR or newer (https://www.swift.org/install/linux/)" \
    "and add its usr/bin to the PATH."
  version=$(swift --version 2>/dev/null | grep -Eo 'Swift version [0-9]+\.[0-9]+' | head -n 1)
  version=${version#Swift version }
  [ -n "$version" ] || die "'swift --version' does not answer; is the toolchain complete?"
  major=${version%%.*}
  minor=${version#*.}
  if [ "$major" -lt $SWIFT_MAJOR ] ||
    { [ "$major" -eq $SWIFT_MAJOR ] && [ "$minor" -lt $SWIFT_MINOR ]; }; then
    die "Swift $version is too old: $SWIFT_MAJOR.$SWIFT_MINOR or newer is needed" \
      "(https://www.swift.org/install/linux/)."
  fi
}

# build_release: builds the shipped programs into .build/release; says nothing unless one fails.
build_release() {
  local product log
  require_swift
  install_build_packages
  say "building for release (the first time takes some minutes)"
  log=$(mktemp)
  for product in kontor-identity kontor-organizations kontor-shop kontor-accounting \
    kontor-gateway kontor; do
    if ! swift build --package-path "$PROJECT_ROOT" -c release --product "$product" >"$log" 2>&1
    then
      cat "$log" >&2
      rm -f "$log"
      die "$product does not build"
    fi
  done
  rm -f "$log"
}
