# How what is written in Java is installed; sourced by the two `install`, and part of what their results depend on.

# fetch_jars POM FOLDER
fetch_jars() {
  local output
  # Kept back unless it fails: even a quiet Maven resets the terminal's colour.
  output=$(mvn --quiet --batch-mode --strict-checksums --file "$1" \
    dependency:copy-dependencies -DoutputDirectory="$2" 2>&1) || fail "$output"
}

# fetch_dynamodb FOLDER
fetch_dynamodb() {
  local library
  fetch_jars "$here/pom.xml" "$1"
  # Java asks for the native libraries by their names without a version.
  for library in "$1"/libsqlite4java-*-[0-9]*.[0-9]*.[0-9]*.*; do
    cp "$library" "$(printf '%s' "$library" | sed 's/-[0-9.]*\(\.[a-z]*\)$/\1/')"
  done
}
