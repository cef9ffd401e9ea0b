// In the page: one JsSIP or SIP.js phone. Commands come as server-sent events, what happens is told by POST.
import JsSIP from 'jssip';
import { Inviter, Registerer, RegistererState, SessionState, UserAgent } from 'sip.js';

const tell = (event, more = {}) => navigator.sendBeacon('/told', JSON.stringify({ event, ...more }));

function jssip({ user, domain, password, server, expiresSec }) {
  let session;
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(server)],
    uri: `sip:${user}@${domain}`,
    password,
    register_expires: expiresSec,
    connection_recovery_max_interval: 2,
  });
  agent.on('registered', () => tell('registered'));
  agent.on('registrationFailed', ({ cause, response }) =>
    tell('refused', { cause, code: response?.status_code }),
  );
  agent.on('disconnected', () => tell('disconnected'));
  agent.on('newRTCSession', ({ originator, session: made }) => {
    session = made;
    if (originator === 'remote') tell('incoming');
    made.on('progress', () => tell('ringing'));
    made.on('confirmed', () => tell('established'));
    made.on('ended', () => tell('ended'));
    made.on('failed', ({ cause, message }) => tell('failed', { cause, code: message?.status_code }));
  });
  const media = { mediaConstraints: { audio: true, video: false } };
  return {
    start: () => agent.start(),
    call: ({ uri }) => agent.call(uri, media),
    answer: () => session.answer(media),
    reject: () => session.terminate({ status_code: 486 }),
    hangUp: () => session.terminate(),
  };
}

function sipjs({ user, domain, password, server, expiresSec }) {
  let session;
  const follow = (made) => {
    session = made;
    made.stateChange.addListener((state) => {
      if (state === SessionState.Established) tell('established');
      // What refused it is told first.
      if (state === SessionState.Terminated) setTimeout(tell, 0, 'ended');
    });
  };
  const agent = new UserAgent({
    uri: UserAgent.makeURI(`sip:${user}@${domain}`),
    authorizationUsername: user,
    authorizationPassword: password,
    transportOptions: { server },
    logBuiltinEnabled: false,
    delegate: {
      onInvite: (invitation) => {
        follow(invitation);
        tell('incoming');
      },
      onDisconnect: () => {
        tell('disconnected');
        setTimeout(start, 500);
      },
    },
  });
  let registerer;
  // SIP.js leaves coming back to the application.
  const start = async () => {
    try {
      await agent.start();
      await agent.reconnect();
    } catch {
      setTimeout(start, 1000);
      return;
    }
    registerer ??= new Registerer(agent, { expires: expiresSec });
    registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Registered) tell('registered');
    });
    await registerer.register({
      requestDelegate: {
        onAccept: () => tell('registered'),
        onReject: ({ message }) => tell('refused', { code: message.statusCode }),
      },
    });
  };
  return {
    start,
    call: ({ uri }) => {
      const inviter = new Inviter(agent, UserAgent.makeURI(uri), {
        sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } },
      });
      follow(inviter);
      return inviter.invite({
        requestDelegate: {
          onProgress: () => tell('ringing'),
          onReject: ({ message }) => tell('failed', { code: message.statusCode }),
          onRedirect: ({ message }) => tell('failed', { code: message.statusCode }),
        },
      });
    },
    answer: () => session.accept(),
    reject: () => session.reject({ statusCode: 486 }),
    hangUp: () =>
      session.state === SessionState.Established
        ? session.bye()
        : session instanceof Inviter
          ? session.cancel()
          : session.reject(),
  };
}

let phone;
new EventSource('/commands').onmessage = async ({ data }) => {
  const { command, ...given } = JSON.parse(data);
  try {
    if (command === 'start') phone = given.library === 'jssip' ? jssip(given) : sipjs(given);
    await phone[command](given);
  } catch (error) {
    tell('error', { why: String(error) });
  }
};
