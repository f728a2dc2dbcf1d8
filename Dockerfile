# minillm as a service: docker build -t minillm . && docker run -p 127.0.0.1:8000:8000 -e MINILLM_API_KEY minillm
# Set MINILLM_API_KEY first: without it the container answers whoever reaches the port, by any name.
# End it with `docker stop -t 130`: by itself docker kills after 10 s, and a reply may take 120.
# Behind a mirror, or for a CPU build of torch from another index, pass pip's own variables:
#   docker build --build-arg PIP_INDEX_URL --build-arg PIP_EXTRA_INDEX_URL -t minillm .
FROM python:3.11-slim AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
WORKDIR /source
COPY settings.ini setup.py pyproject.toml MANIFEST.in README.md LICENSE constraints.txt ./
COPY minillm minillm
COPY book/runs book/runs
RUN python -m venv /app \
 && /app/bin/pip install --no-cache-dir -c constraints.txt torch \
 && /app/bin/pip install --no-cache-dir -c constraints.txt ".[serve]"

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 --shell /usr/sbin/nologin minillm
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 \
    HF_HUB_OFFLINE=1 GRADIO_ANALYTICS_ENABLED=False
USER 10001
WORKDIR /home/minillm
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["minillm", "serve"]
CMD ["--host", "0.0.0.0", "--port", "8000"]
