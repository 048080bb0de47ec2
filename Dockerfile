# Vitrine's web server and command line. The database is another container: see docker-compose.yml.

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/vitrine && /opt/vitrine/bin/pip install --no-cache-dir --upgrade "pip>=25" \
    && pip install --no-cache-dir "build>=1.2"
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY migrations migrations
COPY models/default models/default
COPY server server
# The wheel holds migrations, pages and the bundled model; nothing of the checkout is needed afterwards.
RUN python -m build --wheel --outdir /dist . \
    && /opt/vitrine/bin/pip install --no-cache-dir /dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --shell /usr/sbin/nologin vitrine \
    && install --directory --owner=vitrine --group=vitrine --mode=0750 /var/lib/vitrine
COPY --from=build /opt/vitrine /opt/vitrine
ENV PATH=/opt/vitrine/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VITRINE_DATA_DIR=/var/lib/vitrine \
    VITRINE_HOST=0.0.0.0
USER 10001
WORKDIR /home/vitrine
VOLUME /var/lib/vitrine
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('VITRINE_PORT', '8000') + '/readyz', timeout=4)"]
ENTRYPOINT ["vitrine"]
CMD ["serve"]
