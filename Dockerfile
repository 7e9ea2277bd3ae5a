# The server, which reads plates too: docker run --rm -v "$PWD:/shots:ro" plate-ocr predict /shots
ARG BASE=debian:trixie-slim

# hadolint ignore=DL3006
FROM ${BASE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY deploy/requirements.py deploy/
RUN python3 deploy/requirements.py > requirements.txt \
    && python3 -m venv /opt/plate-ocr \
    && /opt/plate-ocr/bin/pip install --no-cache-dir --no-compile -r requirements.txt
COPY plate_ocr plate_ocr
COPY models models
# Weights to train on are left out; what reads them is there.
RUN /opt/plate-ocr/bin/pip install --no-cache-dir --no-compile --no-deps . \
    && /opt/plate-ocr/bin/pip uninstall -y pip \
    && find /opt/plate-ocr -type d -name tests -prune -exec rm -r {} + \
    && find /opt/plate-ocr -name '*.safetensors' -delete

# hadolint ignore=DL3006
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /data plate-ocr
COPY --from=build /opt/plate-ocr /opt/plate-ocr
ENV PATH=/opt/plate-ocr/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PLATE_OCR_HOST=0.0.0.0 \
    PLATE_OCR_DATA_FOLDER=/data
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=20s --interval=30s --timeout=5s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["plate-ocr"]
CMD ["serve"]
