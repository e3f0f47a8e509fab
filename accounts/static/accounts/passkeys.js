// Tells the user when a passkey ceremony did not work out; allauth's script only writes it to the console.
document.addEventListener("allauth.error", (event) => {
  const place = document.getElementById("passkey_error");
  if (!place) return;
  event.preventDefault();
  place.textContent = explain(event.detail.exception);
  place.classList.remove("d-none");
});

function explain(error) {
  if (!window.PublicKeyCredential) {
    return "Passkeys need a secure page: open this site by https, or as http://localhost on this machine.";
  }
  switch (error && error.name) {
    case "NotAllowedError":
      return "The passkey was not used: the request was cancelled or took too long. Try again.";
    case "InvalidStateError":
      return "This passkey is registered already. Use another one.";
    case "SecurityError":
      return "Passkeys do not work under an IP address. Open this site by its host name, for example localhost.";
    default:
      return "The passkey did not work. Try again, or sign in with your password.";
  }
}
