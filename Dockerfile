# One image for `kakari serve` and `kakari worker`. The base is named by its tag; for a build that can be repeated to the
# byte, give BASE with the digest that the tag has on the day of the release.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS built
WORKDIR /app
COPY requirements/app.txt requirements/app.txt
# Nothing comes in that is not named with its hash in the lock, and nothing is compiled: the image needs no compiler.
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes \
       --only-binary :all: -r requirements/app.txt
COPY . .
RUN printf '#!/app/.venv/bin/python\nimport sys\nsys.path.insert(0, "/app")\nfrom cli.main import main\nmain()\n' \
       > .venv/bin/kakari \
    && chmod 0755 .venv/bin/kakari \
    && .venv/bin/python -m compileall -q cli server distillation evaluation graph nodes prompts pharmacy

FROM ${BASE}
RUN groupadd --system --gid 10001 kakari \
    && useradd --system --uid 10001 --gid kakari --no-create-home --shell /usr/sbin/nologin kakari \
    && install -d -o kakari -g kakari -m 0700 /var/lib/kakari
# Owned by root: the program cannot change itself.
COPY --from=built /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    KAKARI_HOME=/var/lib/kakari \
    HOST=0.0.0.0 \
    PORT=8000 \
    LOG_JSON=true
VOLUME /var/lib/kakari
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "deploy/alive.py"]
ENTRYPOINT ["kakari"]
CMD ["serve"]
