// Starts @vercel/cosmosdb-server with one repair: it answers 500 where Cosmos DB answers 404, when a document that does
// not exist is read with a partition key (lib/handler/read-document.js of 1.0.1 reads a field of undefined).
const lib = "@vercel/cosmosdb-server/lib";
const read = require(`${lib}/handler/read-document.js`);
const original = read.default;

read.default = (account, req, res, names) => {
  try {
    return original(account, req, res, names);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    res.statusCode = 404;
    return { code: "NotFound", message: "Entity with the specified id does not exist in the system." };
  }
};

require(`${lib}/cli.js`);
