# The service. The database runs in a container of its own: see docker-compose.yml.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY graph graph
COPY schema schema
COPY service service
COPY tools/build_hook.py tools/build_hook.py
# `--build-arg EXTRAS=[predict,bulk,export,xlsx,kafka,nats,files,spark,otel]` adds predicted purchases (some 800 MB), the
# backfill and Parquet, exports for analysis, spreadsheets, topics of Kafka, streams of NATS, files on SFTP servers and in
# S3, and traces.
ARG EXTRAS=""
# The commit that `kith --version` prints, because the image is built without `.git`.
ARG SOURCE_COMMIT=""
RUN python -m venv /opt/kith && SOURCE_COMMIT="$SOURCE_COMMIT" /opt/kith/bin/pip install --no-cache-dir --constraint constraints.txt ".${EXTRAS}"

FROM python:3.11-slim
RUN useradd --system --create-home --uid 10001 kith
COPY --from=build /opt/kith /opt/kith
USER kith
WORKDIR /home/kith
# Folders of what is not in the store if that is Neo4j: volumes that are mounted here belong to this user.
RUN mkdir --mode=0700 kith-audit kith-erasure-keys kith-erasure-ledger
ENV PATH=/opt/kith/bin:$PATH KITH_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --retries=6 CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["kith", "serve"]
