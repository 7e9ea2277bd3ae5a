// The nodes of node-red-contrib-plate-recognizer, in the place of Node-RED: FOLDER ADDRESS PICTURE.
const [folder, address, picture] = process.argv.slice(2), types = {};
const RED = {
  settings: {},
  nodes: {
    createNode: (node) => Object.assign(node, {
      credentials: {apiToken: "secret"}, status: () => {}, on: (event, act) => { node[event] = act; }, send: (out) => node.done(out),
      error: (error) => { console.error(error); process.exit(1); },
    }),
    registerType: (name, type) => { types[name] = type; },
  },
  util: {
    getMessageProperty: (msg, name) => msg[name], setMessageProperty: (msg, name, value) => { msg[name] = value; },
    evaluateNodeProperty: (value) => JSON.parse(value),
  },
};
for (const name of ["plate-recognizer", "plate-statistics"]) require(`${folder}/${name}.js`)(RED);
const run = (name, config, msg) => new Promise((done) => { const node = new types[name](config); node.done = done; node.input(msg); });
(async () => {
  const payload = require("fs").readFileSync(picture), fields = {inputField: "payload", outputField: "payload", statusText: "plates"};
  const options = {makeAndModel: true, cameraId: "cam1", regionFilter: true, regionList: '["it", "cn"]'};
  const [read, failed] = await run("plate-recognizer", {url: `${address}/v1/plate-reader/`, ...fields, ...options}, {payload});
  const used = await run("plate-statistics", {url: `${address}/v1/statistics/`, outputField: "payload"}, {});
  console.log(JSON.stringify({read: read && read.payload, failed, used: used.payload}));
})();
