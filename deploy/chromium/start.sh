#!/bin/sh
# Starts a Chromium for workers on other machines (BROWSER=http://THIS:9222). The switches are those of
# internal/page/browser/instance.go, which a test compares. Its default proxy leads nowhere: each session that a worker opens names the
# worker's own proxy, and there is no other way to the web.
set -eu
# Chromium listens for its remote control on loopback only.
socat TCP-LISTEN:9222,fork,reuseaddr,max-children=64 TCP:127.0.0.1:9223 &
exec /usr/lib/chromium/chromium-headless-shell \
  --no-sandbox --headless --hide-scrollbars --mute-audio --no-first-run --no-default-browser-check --disable-gpu --disable-sync \
  --disable-background-networking --disable-background-timer-throttling --disable-backgrounding-occluded-windows \
  --disable-breakpad --disable-crash-reporter --disable-client-side-phishing-detection --disable-component-update \
  --disable-default-apps --disable-dev-shm-usage --disable-domain-reliability --disable-extensions --disable-hang-monitor \
  --disable-notifications --disable-prompt-on-repost --disable-quic --disable-renderer-backgrounding \
  --disable-site-isolation-trials --disable-speech-api --dns-prefetch-disable --metrics-recording-only --no-pings \
  --no-service-autorun --noerrdialogs --safebrowsing-disable-auto-update --use-mock-keychain --block-new-web-contents \
  --proxy-server=http://127.0.0.1:9 '--proxy-bypass-list=<-loopback>' \
  --webrtc-ip-handling-policy=disable_non_proxied_udp --force-webrtc-ip-handling-policy=disable_non_proxied_udp \
  --force-color-profile=srgb --password-store=basic --lang=en \
  --disable-features=IsolateOrigins,site-per-process,Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Prerender2,AutofillServerCommunication \
  --user-data-dir=/tmp/profile --remote-debugging-port=9223 about:blank
