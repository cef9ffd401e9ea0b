# Two stages: everything that builds stays behind; what runs is Node, the compiled program and its production packages.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run --silent build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json ./
COPY bin ./bin
COPY config ./config
# /etc/chordial: one mounted folder holds what belongs to the domain: its key, its users, its trust file.
# The link gives operators `docker exec NAME chordial ring`.
RUN ln -s /app/bin/chordial.js /usr/local/bin/chordial && install -d -o node -g node /etc/chordial
USER node
# SIP, and LSP between the members of the ring. The admin port stays on the container's loopback unless configured otherwise.
EXPOSE 5060/udp 5060/tcp 7184/udp
# A real SIP OPTIONS to the server's own listener: healthy means that it answers phones.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["node", "/app/bin/chordial.js", "ping"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/bin/chordial.js"]
CMD ["serve"]
