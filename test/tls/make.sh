#!/bin/sh
# Makes the certificates of the tests anew, with Debian 12's openssl. They are valid from 2020 to 2120, and their keys are public: they
# are good for nothing but tests. `npm test` takes them as they are, for Node cannot sign certificates.
set -eu
cd "$(dirname "$0")"
rm -f ./*.pem
mkdir tmp
trap 'rm -r tmp' EXIT
: >tmp/index
cat >tmp/config <<'END'
[ca]
default_ca = it
[it]
database = tmp/index
new_certs_dir = tmp
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
[named]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:*.example.org, DNS:ap.example.org
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
END

ec() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key.pem"; }

# certificate NAME SUBJECT EXTENSIONS SIGNER [END]: of a key that there is
certificate() {
  if [ "$4" = self ]; then signer="-selfsign -keyfile $1.key.pem"; else signer="-cert $4.pem -keyfile $4.key.pem"; fi
  openssl req -new -key "$1.key.pem" -subj "/CN=$2" -out tmp/request
  # shellcheck disable=SC2086
  openssl ca -batch -notext -config tmp/config $signer -extensions "$3" -startdate 20200101000000Z -enddate "${5:-21200101000000Z}" \
    -in tmp/request -out "$1.pem"
}

for name in authority stranger server renewed named expired client other-client; do ec $name; done
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out self-signed.key.pem
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:512 -out weak.key.pem

certificate authority 'authority of the tests' authority self
certificate stranger 'another authority' authority self
certificate server localhost server authority
certificate renewed localhost server authority
certificate named ap.example.org named authority
certificate expired localhost server authority 20210101000000Z
certificate self-signed localhost server self
certificate weak localhost server authority
certificate client 'a client' client authority
certificate other-client 'a client of the other authority' client stranger

# The server's key under a passphrase, in both forms there are.
openssl pkcs8 -topk8 -in server.key.pem -passout pass:secret -out encrypted.key.pem
openssl ec -in server.key.pem -aes256 -passout pass:secret -out encrypted-traditional.key.pem
