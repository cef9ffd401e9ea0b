#!/bin/sh
# First start of docker-compose.yml: keys, a nonce secret, demo users and the trust file of every domain folder.
# Whatever exists is kept, so it may run before every start. Domain folders are mounted under $DOMAINS.
set -eu
DOMAINS=${DOMAINS:-/domains}
PASSWORD=${DEMO_PASSWORD:-open-sesame}
umask 077

# domain DOMAIN SELECTORS USERS: what this domain's registrars have of their own.
domain() {
  folder=$DOMAINS/$1
  for selector in $2; do
    [ -e "$folder/key-$selector.pem" ] ||
      chordial keygen --domain "$1" --selector "$selector" --out "$folder/key-$selector.pem"
  done
  # Shared by the registrars of a domain: a phone's answer to one's challenge is good at every other.
  [ -e "$folder/nonce-secret" ] || node -p 'crypto.randomBytes(32).toString("base64")' >"$folder/nonce-secret"
  [ -e "$folder/users" ] || for user in $3; do
    echo "$PASSWORD" | chordial users add "$user" --domain "$1" --file "$folder/users"
  done
}

# What the domains tell each other, the public keys alone. With DNS these lines are TXT records instead.
trust() {
  for key in "$DOMAINS"/*/key-*.pem; do
    name=$(basename "$(dirname "$key")")
    selector=${key##*/key-}
    selector=${selector%.pem}
    chordial keygen --key "$key" --domain "$name" --selector "$selector" --json
  done | node -e '
    const trust = {};
    for (const line of require("node:fs").readFileSync(0, "utf8").trim().split("\n")) {
      const { domain, selector, publicKey } = JSON.parse(line);
      trust[domain] = { ...trust[domain], [selector]: publicKey };
    }
    for (const [domain, keys] of Object.entries(trust)) console.log(`${domain}: ${JSON.stringify(keys)}`);
  '
}

domain atlanta.example "0" "alice"
domain biloxi.example "0 1" "bob"
entries=$(trust)
for folder in "$DOMAINS"/*; do
  echo "$entries" >"$folder/trust.yaml"
  # The servers run as this user and see the folder read-only.
  chown -R node:node "$folder"
done
echo "ready: keys, users and trust files of $(ls "$DOMAINS" | tr '\n' ' ')"
