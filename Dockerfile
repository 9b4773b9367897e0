# apsnap in a container. Run npm run package, then docker build -t apsnap . (or buildah bud -t apsnap .)
# To sample the machine, the container needs the machine's files at /host and its network: see compose.yaml.
ARG BASE=docker.io/library/debian:trixie-slim
FROM ${BASE}
COPY build/apsnap_*_all.deb /tmp/apsnap.deb
# Remove the key that the package generated: everybody who has the image would know it.
RUN apt-get update \
 && apt-get install -y --no-install-recommends /tmp/apsnap.deb iproute2 iw \
 && rm -rf /tmp/apsnap.deb /var/lib/apt/lists/* /etc/apsnap/.env \
 && chown 65534:65534 /etc/apsnap
USER 65534:65534
ENV NODE_ENV=production APSNAP_ROOTFS=/host MALLOC_ARENA_MAX=1
# Holds the key unless RASPAP_API_KEY is set.
VOLUME /etc/apsnap
EXPOSE 8081
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.APSNAP_PORT || 8081}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/node", "--expose-gc", "--max-semi-space-size=1", "--no-sparkplug", "--single-threaded-gc", "--v8-pool-size=1", "/usr/share/apsnap/dist/src/main.js"]
CMD ["serve"]
