# Two stages: everything that builds stays behind; what runs is Node, the compiled program and its production packages.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json ./
COPY bin ./bin
COPY config ./config
# One mounted folder holds what belongs to the domain: its key, its users, its trust file.
RUN mkdir /etc/chordial && chown node:node /etc/chordial
VOLUME /etc/chordial
USER node
EXPOSE 5060/udp 5060/tcp 7184/udp
# A real SIP OPTIONS to the server's own listener: healthy means that it answers phones.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["node", "bin/chordial.js", "ping"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "bin/chordial.js"]
CMD ["serve"]
