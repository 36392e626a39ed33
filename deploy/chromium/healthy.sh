#!/bin/bash
# Succeeds if the Chromium answers at the port that workers use.
exec 3<>/dev/tcp/127.0.0.1/9222
printf 'GET /json/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
