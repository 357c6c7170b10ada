// Its addresses are relative, so that the page works below any path. Without validatorUrl it would send the
// description's address to a validator elsewhere.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
