# Muster in a small image: non-root, works on a read-only root file system. It needs a PostgreSQL
# beside it (DATABASE_URL), see docker-compose.yml; /data holds the pepper of API tokens.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
ENV SQLX_OFFLINE=true
RUN cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin muster \
    && install -d -o muster -g muster -m 0700 /data
COPY --from=build /src/target/release/muster /usr/local/bin/muster
COPY --from=build /src/LICENSE /src/NOTICE /usr/share/doc/muster/
USER 10001
ENV MUSTER_DATA_DIR=/data MUSTER_LISTEN=0.0.0.0:8080 MUSTER_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["curl", "-fsS", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["muster"]
CMD ["serve"]
