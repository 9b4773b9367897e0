#!/usr/bin/env python3
"""Prints the connected clients. Needs only the standard library.

    APSNAP_URL=http://10.3.141.1:8081 APSNAP_KEY=… ./clients.py
"""
import json
import os
import sys
import urllib.error
import urllib.request

request = urllib.request.Request(
    os.environ["APSNAP_URL"] + "/clients",
    headers={"access_token": os.environ["APSNAP_KEY"]},
)
try:
    with urllib.request.urlopen(request, timeout=10) as response:
        clients = json.load(response)["active_clients"]
except urllib.error.HTTPError as error:
    # The body says what went wrong.
    sys.exit(f"{error.code}: {json.load(error)['detail']}")

for client in clients:
    name = client["hostname"] or client["mac_address"]
    # Wired clients have no signal.
    signal = "wired" if client["signal_dbm"] is None else f"{client['signal_dbm']} dBm"
    print(f"{name}\t{client['ip_address']}\t{signal}")
