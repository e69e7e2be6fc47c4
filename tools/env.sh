# Sourced by ./coracle and by the scripts of package.json, with $root set to the checkout: sees to the dependencies and
# sets $node to a Node.js that is new enough. Needs Node.js (any from 18 on) and npm, nothing else.

# What is installed is right when it was installed from this very lock.
if ! cmp -s "$root/package-lock.json" "$root/node_modules/.installed-lock.json"; then
  echo "coracle: installing dependencies (once, about 20 s) ..." >&2
  # Nothing that matters needs an install script, so none is run.
  (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || {
    echo "coracle: npm ci failed; the lines above say why. It needs the npm registry." >&2
    exit 1
  }
  cp "$root/package-lock.json" "$root/node_modules/.installed-lock.json"
fi

node=$(command -v node)
if [ -z "$node" ] || ! "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)'; then
  node=$root/node_modules/.bin/node
  [ -x "$node" ] || {
    echo "coracle: Node.js 22.19 or newer is needed, and npm could not bring one for this machine" >&2
    exit 1
  }
fi
