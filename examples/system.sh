#!/bin/sh
# Prints the state of the machine as JSON, with curl.
#
#     APSNAP_URL=http://10.3.141.1:8081 APSNAP_KEY=… ./system.sh
set -eu

# The header comes from standard input, so the key doesn't appear in the process list.
printf 'access_token: %s\n' "$APSNAP_KEY" |
  curl --silent --show-error --fail-with-body --max-time 10 --header @- "$APSNAP_URL/system"
